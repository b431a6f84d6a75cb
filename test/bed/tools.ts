import { createInterface } from 'node:readline'
import { execa, type Options } from 'execa'

/** The result of a system program: a non-zero `exitCode` is a result, not an error. */
export interface Output {
  stdout: string
  stderr: string
  exitCode: number
}

// `ip`, `nft` and `chroot` live in sbin, which a shell started by sudo or by an editor may leave out.
const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`

const DEFAULT_TIMEOUT_MS = 60_000

export interface RunOptions {
  input?: string
  timeoutMs?: number
  env?: Record<string, string>
  /** Takes each line of standard error as it comes. */
  onErrorLine?: (line: string) => void
}

/**
 * Runs a program of the machine and returns what it printed, without the final newline.
 * Throws when it could not be started, was killed by a signal, or took longer than `timeoutMs` (60 s).
 */
export async function ask(file: string, args: string[], options: RunOptions = {}): Promise<Output> {
  const { input, timeoutMs = DEFAULT_TIMEOUT_MS, env = {}, onErrorLine } = options
  const settings = {
    reject: false,
    timeout: timeoutMs,
    env: { LC_ALL: 'C', ...env, PATH },
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  } satisfies Options
  const running = execa(file, args, settings)
  if (onErrorLine) createInterface({ input: running.stderr }).on('line', onErrorLine)
  const result = await running
  if (result.exitCode === undefined) throw result
  return { stdout: String(result.stdout), stderr: String(result.stderr), exitCode: result.exitCode }
}

/** As `ask`, and throws when the exit code is not 0. Returns standard output. */
export async function run(file: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, exitCode } = await ask(file, args, options)
  if (exitCode !== 0) throw new Error(`${[file, ...args].join(' ')} exited ${exitCode}: ${stderr || stdout}`)
  return stdout
}

/** The absolute path of a program as `run` would find it. */
export { PATH as searchPath }
