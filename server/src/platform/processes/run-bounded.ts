import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { RollcallError } from '@rollcall/contracts'

export interface BoundedProgram {
  argv: readonly [string, ...string[]]
  env: Record<string, string>
  cwd: string
  timeoutMs: number
  /** The most that it may print; one that prints more is ended. */
  maxStdoutBytes: number
}

export interface BoundedEnd {
  /** Null for one that was killed. */
  exitCode: number | null
  stdout: Buffer
  /** Its end only. */
  stderr: string
  /** Which of our bounds ended it. */
  endedBy: 'time' | 'size' | null
}

const STDERR_BYTES = 8 * 1024

/**
 * Runs a program of this machine to its end, without standard input. When it takes too long or prints too much, it is killed with all that it started.
 * Throws `server.config_invalid` when there is no such program.
 */
export async function runBounded(program: BoundedProgram): Promise<BoundedEnd> {
  const [file, ...args] = program.argv
  const { env, cwd } = program
  const child = spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let endedBy: BoundedEnd['endedBy'] = null
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
    // It may have come to its own end a moment before.
    const exitCode = endedBy === null ? code : null
    return { exitCode, stdout: Buffer.concat(parts), stderr: stderr.toString('utf8'), endedBy }
  } catch (cause) {
    const message = `${file} cannot be started on the server's machine. Install it there.`
    throw new RollcallError('server.config_invalid', message, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** It is the first of a group of its own. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
