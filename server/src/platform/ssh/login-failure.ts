import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { MAX_PREAMBLE_BYTES } from './login-preamble.ts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { SshExecResult } from './ssh-session.ts'

interface Cause {
  pattern: RegExp
  remedy: string
}

/** Messages of hosts that do not run a program, each with a remedy. The first that matches counts. */
const CAUSES: readonly Cause[] = [
  {
    pattern:
      /password.{0,40}(expired|must be changed|change required)|(required|must|have) to change your password|password change required|new password:/i,
    remedy:
      "The account's password has expired. Sign in once by hand and change it (or, as root there: passwd USER, or chage -M -1 USER), and give the new one: rollcall host set NAME --password-stdin",
  },
  {
    pattern: /account is currently not available|nologin|not available|disabled/i,
    remedy: "The account's login shell runs no programs. Give it one there: usermod --shell /bin/sh USER.",
  },
  {
    pattern: /account.{0,40}(expired|locked)|has expired/i,
    remedy: 'The account may not be used any more. As root there: chage --expiredate -1 USER.',
  },
  {
    pattern: /sftp connections only|service allows sftp/i,
    remedy:
      'The account may transfer files only. Take ForceCommand and ChrootDirectory off this user in sshd_config.',
  },
  {
    pattern: /(no such file or directory|not found|permission denied)/i,
    remedy: 'See that the login shell in /etc/passwd is there and may be run, and what the login files do.',
  },
]

const ANY =
  'Something else runs there in place of a program: a forced command (ForceCommand in sshd_config, command="…" in authorized_keys), a login shell that runs none (see /etc/passwd), or a login file (~/.bashrc, ~/.profile, /etc/bash.bashrc, ~/.cshrc) that ends the shell or starts another program. Give Rollcall a user or a key without it.'

/** The login ended without having run our program. The host's own words say why. */
export function loginEnded(
  place: SshPlace,
  words: string,
  { exitCode, signal }: SshExecResult,
): RollcallError {
  const how = signal ? `ended by SIG${signal}` : `exited with ${exitCode}`
  return failure(place, `but its login ${how} and did not run what it was asked to`, words)
}

/** The login did not get as far as our program: it waits for something, or sends its output elsewhere. */
export function loginStuck(place: SshPlace, words: string, afterMs: number): RollcallError {
  return failure(
    place,
    `but its login did not run what it was asked to within ${afterMs / 1000} s: it waits for something, or sends all output elsewhere`,
    words,
  )
}

/** The login prints, and does not stop. */
export function loginFloods(place: SshPlace, words: string): RollcallError {
  return failure(
    place,
    `but its login printed more than ${MAX_PREAMBLE_BYTES / 1024 ** 2} MiB and did not run what it was asked to`,
    words,
  )
}

function failure(place: SshPlace, what: string, words: string): RollcallError {
  const said = sanitizeText(words.replace(/\s+/g, ' ').trim(), 500)
  const remedy = CAUSES.find(({ pattern }) => pattern.test(said))?.remedy ?? ANY
  const quoted = said === '' ? 'It said nothing' : `It said: "${said}"`
  return new RollcallError(
    'ssh.no_shell',
    `${describePlace(place)} signed user ${place.user} in, ${what}. ${quoted}. ${remedy.replaceAll('USER', place.user)}`,
  )
}
