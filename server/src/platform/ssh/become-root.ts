import { RollcallError } from '@rollcall/contracts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { RootAccess, SshExecOptions, SshExecResult } from './ssh-session.ts'
import { SudoDialogue } from './sudo-dialogue.ts'

type Exec = (argv: readonly string[], options: SshExecOptions) => Promise<SshExecResult>

// `-k` with a command leaves cached credentials out of it, so that the answer is the same at every call.
const ASK = ['env', 'LC_ALL=C', 'sudo', '-k', '-n', '--', 'true']
const PROMPT = 'rollcall asks:'
const TRY_PASSWORD = ['env', 'LC_ALL=C', 'sudo', '-k', '-S', '-p', PROMPT, '--', 'true']
const MAX_ANSWER_BYTES = 4096

/**
 * Finds out how to be root. A password is tried once, alone, before anything is run with it. `true` reads nothing, so it does
 * no harm there, whether sudo asks for it or not; for other programs see `SudoDialogue`, which needs sudo to show our prompt.
 * @throws `host.no_sudo`, `host.sudo_password_wrong`.
 */
export async function findRootAccess(
  exec: Exec,
  place: SshPlace,
  password: string | undefined,
): Promise<RootAccess> {
  const uid = await answerOf(exec, ['id', '-u'])
  if (uid.text.trim() === '0') return { by: 'login' }
  const asked = await answerOf(exec, ASK)
  if (asked.exitCode === 0) return { by: 'sudo' }
  if (!/password is required|a password/i.test(asked.text)) throw noSudo(place, asked)
  if (password === undefined || /[\n\0]/.test(password)) {
    throw new RollcallError(
      'host.sudo_password_wrong',
      `sudo on ${describePlace(place)} asks user ${place.user} for a password and there is none to give. Set the host's sudo password, or allow the user to use sudo without one.`,
    )
  }
  const tried = await answerOf(exec, TRY_PASSWORD, `${password}\n`)
  if (tried.exitCode === 0) {
    if (tried.text.includes(PROMPT)) return { by: 'sudo-with-password', password }
    throw new RollcallError(
      'host.no_sudo',
      `sudo on ${describePlace(place)} asks user ${place.user} with a prompt of its own, so that nobody can tell its question from output. Add "Defaults:${place.user} passprompt_override" to sudoers, or allow the user to use sudo without a password.`,
    )
  }
  if (/not in the sudoers|not allowed to|may not run/i.test(tried.text)) throw noSudo(place, tried)
  throw new RollcallError(
    'host.sudo_password_wrong',
    `sudo on ${describePlace(place)} did not accept the password of user ${place.user}. Correct the host's sudo password (without one, the SSH password is used).`,
  )
}

/** How to run a program as root: its argv, and the talk with sudo that comes before its standard input, if there is one. */
export function asRoot(
  root: RootAccess,
  argv: readonly string[],
  stdin: Buffer,
): { argv: readonly string[]; dialogue?: SudoDialogue } {
  if (root.by === 'login') return { argv }
  if (root.by === 'sudo') return { argv: ['sudo', '-n', '--', ...argv] }
  const dialogue = new SudoDialogue(argv, root.password, stdin)
  return { argv: dialogue.argv, dialogue }
}

interface Answer {
  exitCode: number | null
  /** Both streams, cut at 4 KiB. */
  text: string
}

async function answerOf(exec: Exec, argv: readonly string[], stdin = ''): Promise<Answer> {
  let text = ''
  const onOutput = (_stream: string, data: Buffer) => {
    text = (text + data.toString('utf8')).slice(0, MAX_ANSWER_BYTES)
  }
  const { exitCode } = await exec(argv, { stdin, onOutput, timeoutMs: 30_000 })
  return { exitCode, text }
}

function noSudo(place: SshPlace, { exitCode, text }: Answer): RollcallError {
  const user = `user ${place.user} on ${describePlace(place)}`
  const how = 'Sign in as root, or let this user run everything by sudo.'
  let message = `sudo does not let ${user} become root. ${how}`
  if (exitCode === 127 || /command not found|No such file/i.test(text))
    message = `${user} is not root and the host has no sudo. Sign in as root, or install sudo and let this user run everything by it.`
  else if (/must have a tty|tty is required/i.test(text))
    message = `sudo lets ${user} become root only from a terminal. Take "requiretty" out of sudoers for this user (Defaults:${place.user} !requiretty).`
  return new RollcallError('host.no_sudo', message)
}
