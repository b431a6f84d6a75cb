import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { RollcallError } from '@rollcall/contracts'

export interface BoundedProgram {
  argv: readonly [string, ...string[]]
  env: Record<string, string>
  cwd: string
  timeoutMs: number
  /** The maximum output; a program that prints more is killed. */
  maxStdoutBytes: number
  /** The account that it runs as; the server's own by default. */
  account?: { uid: number; gid: number } | undefined
}

export interface BoundedResult {
  /** Null if it was killed. */
  exitCode: number | null
  stdout: Buffer
  /** The last part only. */
  stderr: string
  /** The limit that ended it. */
  endedBy: 'time' | 'size' | null
}

const STDERR_BYTES = 8 * 1024

/**
 * Runs a local program to its end without standard input; at a limit it is killed with its process group. Throws
 * `server.config_invalid` if the program does not exist.
 */
export async function runBounded(program: BoundedProgram): Promise<BoundedResult> {
  const [file, ...args] = program.argv
  const { env, cwd, account } = program
  const child = spawn(file, args, { ...account, env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let endedBy: BoundedResult['endedBy'] = null
  const end = (why: 'time' | 'size') => {
    endedBy ??= why
    if (child.pid !== undefined) killGroup(child.pid)
  }
  const timer = setTimeout(() => end('time'), program.timeoutMs)
  const parts: Buffer[] = []
  let bytes = 0
  child.stdout.on('data', (part: Buffer) => {
    bytes += part.length
    if (bytes > program.maxStdoutBytes) end('size')
    else parts.push(part)
  })
  let stderr = Buffer.alloc(0)
  child.stderr.on('data', (part: Buffer) => {
    stderr = Buffer.concat([stderr, part]).subarray(-STDERR_BYTES)
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    // It may have exited a moment before.
    const exitCode = endedBy === null ? code : null
    return { exitCode, stdout: Buffer.concat(parts), stderr: stderr.toString('utf8'), endedBy }
  } catch (cause) {
    const message = `Failed to start ${file} on the server's machine. Install it there.`
    throw new RollcallError('server.config_invalid', message, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** Kills the process group that the program leads. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
