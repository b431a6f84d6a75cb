import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { withOwnTerminal } from './own-terminal.ts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { RootAccess, SshExecOptions, SshExecResult } from './ssh-session.ts'
import { SudoDialogue } from './sudo-dialogue.ts'
import { parseSudoMessage, type SudoMessage } from './sudo-words.ts'

type Exec = (argv: readonly string[], options: SshExecOptions) => Promise<SshExecResult>

// `-k` with a command ignores cached credentials, so the result is the same at every call.
const SUDO = ['env', 'LC_ALL=C', 'sudo', '-k']
// The probe uses the same program as later calls, because sudoers rules differ by program.
const PROBE_SUDO = [...SUDO, '-n', '--', 'sh', '-c', ':']
const TRY_PASSWORD = [...SUDO, '-S', '--', 'sh', '-c', ':']
const MAX_ANSWER_BYTES = 4096

/**
 * Finds out how to become root; a password is tried once, before anything runs with it. Throws `host.no_sudo` or
 * `host.sudo_password_wrong`.
 */
export async function findRootAccess(
  exec: Exec,
  place: SshPlace,
  password: string | undefined,
): Promise<RootAccess> {
  const uid = await runForAnswer(exec, ['id', '-u'])
  if (uid.text.trim() === '0') return { by: 'login' }
  let asked = await runForAnswer(exec, PROBE_SUDO)
  const hasTerminal = asked.exitCode !== 0 && asked.words.needsTerminal
  const terminal = hasTerminal && { hasTerminal }
  const onTerminal = (argv: readonly string[]) => (hasTerminal ? withOwnTerminal(argv) : argv)
  if (hasTerminal) asked = await runForAnswer(exec, onTerminal(PROBE_SUDO))
  if (asked.exitCode === 0) return { by: 'sudo', ...terminal }
  if (asked.words.isMissing || asked.words.needsTerminal || !asked.words.needsPassword)
    throw toNoSudoError(place, asked)
  if (password === undefined || /[\n\0]/.test(password)) {
    throw new RollcallError(
      'host.sudo_password_wrong',
      `sudo on ${describePlace(place)} requires a password for user ${place.user} and none is stored. Set one, or allow the user to run sudo without a password: rollcall host set NAME --sudo-password-file FILE`,
    )
  }
  const tried = await runForAnswer(exec, onTerminal(TRY_PASSWORD), `${password}\n`)
  if (tried.exitCode === 0) return { by: 'sudo-with-password', password, ...terminal }
  if (tried.words.isForbidden || tried.words.isExpired) throw toNoSudoError(place, tried)
  throw new RollcallError(
    'host.sudo_password_wrong',
    `sudo on ${describePlace(place)} did not accept the password of user ${place.user}${quoteAnswer(tried)}. Correct it (the default is the SSH password; with rootpw or targetpw in sudoers, it is root's): rollcall host set NAME --sudo-password-file FILE`,
  )
}

/**
 * Returns the argv that runs a program as root, and the dialogue with sudo that precedes its standard input, if any.
 */
export function asRoot(
  root: RootAccess,
  argv: readonly string[],
): { argv: readonly string[]; dialogue?: SudoDialogue } {
  if (root.by === 'login') return { argv }
  const onTerminal = (words: readonly string[]) => (root.hasTerminal ? withOwnTerminal(words) : words)
  if (root.by === 'sudo') return { argv: onTerminal(['sudo', '-n', '--', ...argv]) }
  const dialogue = new SudoDialogue(argv, root.password)
  return { argv: onTerminal(dialogue.argv), dialogue }
}

interface Answer {
  exitCode: number | null
  /** Both streams, truncated to 4 KiB. */
  text: string
  words: SudoMessage
}

async function runForAnswer(exec: Exec, argv: readonly string[], stdin = ''): Promise<Answer> {
  let text = ''
  const onOutput = (_stream: string, data: Buffer) => {
    text = (text + data.toString('utf8')).slice(0, MAX_ANSWER_BYTES)
  }
  const { exitCode } = await exec(argv, { stdin, onOutput, timeoutMs: 30_000 })
  return { exitCode, text, words: parseSudoMessage(text) }
}

function toNoSudoError(place: SshPlace, answer: Answer): RollcallError {
  const user = `user ${place.user} on ${describePlace(place)}`
  const how = 'Sign in as root, or allow this user to run everything with sudo.'
  const { words } = answer
  let message = `sudo does not let ${user} become root${quoteAnswer(answer)}. ${how}`
  if (words.isExpired)
    message = `sudo does not let ${user} become root${quoteAnswer(answer)}. The password or the account has expired: change the password (passwd) or extend the account (chage) on the host.`
  else if (answer.exitCode === 127 || words.isMissing)
    message = `${user} is not root and the host has no sudo${quoteAnswer(answer)}. Sign in as root, or install sudo and allow this user to run everything with it.`
  else if (words.needsTerminal)
    message = `sudo lets ${user} become root only from a terminal, which could not be allocated${quoteAnswer(answer)}. Install python3, or remove "requiretty" from sudoers for this user (Defaults:${place.user} !requiretty).`
  return new RollcallError('host.no_sudo', message)
}

/** Quotes the last lines of the host's output, which name the reason. */
function quoteAnswer({ text }: Answer): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const said = sanitizeText(lines.slice(-2).join(' ').replace(/\s+/g, ' ').trim(), 300)
  return said === '' ? '' : ` (it said: "${said}")`
}
