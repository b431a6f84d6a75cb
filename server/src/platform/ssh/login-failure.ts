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
      "The account's password has expired. Sign in manually and change it (or as root on the host: passwd USER, or chage -M -1 USER), then set the new one: rollcall host set NAME --password-stdin",
  },
  {
    pattern: /account is currently not available|nologin|not available|disabled/i,
    remedy:
      "The account's login shell runs no programs. Give the account another shell on the host: usermod --shell /bin/sh USER.",
  },
  {
    pattern: /account.{0,40}(expired|locked)|has expired/i,
    remedy: 'The account has expired or is locked. As root on the host: chage --expiredate -1 USER.',
  },
  {
    pattern: /sftp connections only|service allows sftp/i,
    remedy:
      'The account may only transfer files. Remove ForceCommand and ChrootDirectory for this user from sshd_config.',
  },
  {
    pattern: /(no such file or directory|not found|permission denied)/i,
    remedy:
      'Check that the login shell in /etc/passwd exists and is executable, and what the login files do.',
  },
]

const ANY =
  'Something else runs instead of the program: a forced command (ForceCommand in sshd_config, command="…" in authorized_keys), a login shell that runs no programs (see /etc/passwd), or a login file (~/.bashrc, ~/.profile, /etc/bash.bashrc, ~/.cshrc) that ends the shell or starts another program. Use a user or key without it.'

/** Returns the error for a login that ended without running our program; the host's output names the reason. */
export function toLoginEndedError(
  place: SshPlace,
  words: string,
  { exitCode, signal }: SshExecResult,
): RollcallError {
  const how = signal ? `ended by SIG${signal}` : `exited with ${exitCode}`
  return failure(place, `but its login ${how} without running the requested program`, words)
}

/** Returns the error for a login that waits, or redirects its output, instead of running our program. */
export function toLoginStuckError(place: SshPlace, words: string, afterMs: number): RollcallError {
  return failure(
    place,
    `but its login did not run the requested program within ${afterMs / 1000} s: it waits for something, or redirects all output`,
    words,
  )
}

/** Returns the error for a login that prints without end. */
export function toLoginFloodError(place: SshPlace, words: string): RollcallError {
  return failure(
    place,
    `but its login printed more than ${MAX_PREAMBLE_BYTES / 1024 ** 2} MiB without running the requested program`,
    words,
  )
}

function failure(place: SshPlace, what: string, words: string): RollcallError {
  const said = sanitizeText(words.replace(/\s+/g, ' ').trim(), 500)
  const remedy = CAUSES.find(({ pattern }) => pattern.test(said))?.remedy ?? ANY
  const quoted = said === '' ? 'It printed nothing' : `It printed: "${said}"`
  return new RollcallError(
    'ssh.no_shell',
    `${describePlace(place)} signed user ${place.user} in, ${what}. ${quoted}. ${remedy.replaceAll('USER', place.user)}`,
  )
}
