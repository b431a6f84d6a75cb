import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { withOwnTerminal } from './own-terminal.ts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { RootAccess, SshExecOptions, SshExecResult } from './ssh-session.ts'
import { SudoDialogue } from './sudo-dialogue.ts'
import { type SudoWords, wordsOfSudo } from './sudo-words.ts'

type Exec = (argv: readonly string[], options: SshExecOptions) => Promise<SshExecResult>

// `-k` with a command leaves cached credentials out of it, so that the answer is the same at every call.
const SUDO = ['env', 'LC_ALL=C', 'sudo', '-k']
// What is asked for is what is run later: rules of sudoers differ by program.
const ASK = [...SUDO, '-n', '--', 'sh', '-c', ':']
const TRY_PASSWORD = [...SUDO, '-S', '--', 'sh', '-c', ':']
const MAX_ANSWER_BYTES = 4096

/**
 * Finds out how to be root. A password is tried once, alone, before anything is run with it.
 * @throws `host.no_sudo`, `host.sudo_password_wrong`.
 */
export async function findRootAccess(
  exec: Exec,
  place: SshPlace,
  password: string | undefined,
): Promise<RootAccess> {
  const uid = await toAnswer(exec, ['id', '-u'])
  if (uid.text.trim() === '0') return { by: 'login' }
  let asked = await toAnswer(exec, ASK)
  const hasTerminal = asked.exitCode !== 0 && asked.words.needsTerminal
  const terminal = hasTerminal && { hasTerminal }
  const onTerminal = (argv: readonly string[]) => (hasTerminal ? withOwnTerminal(argv) : argv)
  if (hasTerminal) asked = await toAnswer(exec, onTerminal(ASK))
  if (asked.exitCode === 0) return { by: 'sudo', ...terminal }
  if (asked.words.isMissing || asked.words.needsTerminal || !asked.words.needsPassword)
    throw noSudo(place, asked)
  if (password === undefined || /[\n\0]/.test(password)) {
    throw new RollcallError(
      'host.sudo_password_wrong',
      `sudo on ${describePlace(place)} asks user ${place.user} for a password and there is none to give. Give one, or allow the user to use sudo without: rollcall host set NAME --sudo-password-file FILE`,
    )
  }
  const tried = await toAnswer(exec, onTerminal(TRY_PASSWORD), `${password}\n`)
  if (tried.exitCode === 0) return { by: 'sudo-with-password', password, ...terminal }
  if (tried.words.isForbidden || tried.words.isExpired) throw noSudo(place, tried)
  throw new RollcallError(
    'host.sudo_password_wrong',
    `sudo on ${describePlace(place)} did not accept the password of user ${place.user}${quoted(tried)}. Correct it (without one, the SSH password is used; where sudoers says rootpw or targetpw, it is root's): rollcall host set NAME --sudo-password-file FILE`,
  )
}

/** How to run a program as root: its argv, and the talk with sudo that comes before its standard input, if there is one. */
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
  /** Both streams, cut at 4 KiB. */
  text: string
  words: SudoWords
}

async function toAnswer(exec: Exec, argv: readonly string[], stdin = ''): Promise<Answer> {
  let text = ''
  const onOutput = (_stream: string, data: Buffer) => {
    text = (text + data.toString('utf8')).slice(0, MAX_ANSWER_BYTES)
  }
  const { exitCode } = await exec(argv, { stdin, onOutput, timeoutMs: 30_000 })
  return { exitCode, text, words: wordsOfSudo(text) }
}

function noSudo(place: SshPlace, answer: Answer): RollcallError {
  const user = `user ${place.user} on ${describePlace(place)}`
  const how = 'Sign in as root, or let this user run everything by sudo.'
  const { words } = answer
  let message = `sudo does not let ${user} become root${quoted(answer)}. ${how}`
  if (words.isExpired)
    message = `sudo does not let ${user} become root${quoted(answer)}. The password or the account has expired: change it by hand (passwd) or extend it (chage) there.`
  else if (answer.exitCode === 127 || words.isMissing)
    message = `${user} is not root and the host has no sudo${quoted(answer)}. Sign in as root, or install sudo and let this user run everything by it.`
  else if (words.needsTerminal)
    message = `sudo lets ${user} become root only from a terminal, and none could be made${quoted(answer)}. Install python3, or take "requiretty" out of sudoers for this user (Defaults:${place.user} !requiretty).`
  return new RollcallError('host.no_sudo', message)
}

/** The last lines of what the host said, which name the reason. */
function quoted({ text }: Answer): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const said = sanitizeText(lines.slice(-2).join(' ').replace(/\s+/g, ' ').trim(), 300)
  return said === '' ? '' : ` (it said: "${said}")`
}
