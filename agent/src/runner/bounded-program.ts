import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Clock } from '../platform/clock.ts'
import { signalStartedGroup } from './process-groups.ts'
import { withDefaultPriorities } from './spawn-defaults.ts'

export interface ProgramSpec {
  path: string
  args: readonly string[]
  env: Record<string, string>
  /** Until TERM goes to its process group; KILL follows `GRACE_MS` later. */
  timeoutMs: number
  /** Maximum bytes of its output; a program that prints more is killed. */
  maxBytes: number
}

export type ProgramOutcome =
  | { kind: 'exited'; code: number; stdout: string; stderr: string }
  /** In words that follow the program's name. */
  | { kind: 'failed'; reason: string }

/** Between TERM and KILL, between KILL and giving up, and for output to arrive after the exit, in milliseconds. */
const GRACE_MS = 2000
/** How much of standard error is kept; the rest is discarded. */
const MAX_ERROR_BYTES = 4096

export interface RunningProgram {
  /** Settles within the timeout and twice `GRACE_MS`, whatever the program does. Never rejects. */
  outcome: Promise<ProgramOutcome>
  /** Resolves when the program is gone. A program that waits for a broken disk may survive even KILL. */
  gone: Promise<void>
  kill(): void
}

/** Runs a program as the leader of its own process group and collects its output. */
export function run(spec: ProgramSpec, clock: Clock): RunningProgram {
  const { path, args, env, timeoutMs } = spec
  const child = withDefaultPriorities(() =>
    spawn(path, args, { cwd: '/', env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  const kill = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      signalStartedGroup(child.pid, signal)
  }
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => child.pid === undefined && resolve())
  })
  const outcome = new Promise<ProgramOutcome>((resolve) => {
    let failure: string | null = null
    const fail = (reason: string, signal: NodeJS.Signals) => {
      failure ??= reason
      kill(signal)
    }
    const stdout = collect(child.stdout, spec.maxBytes, () =>
      fail(`printed more than ${spec.maxBytes} bytes`, 'SIGKILL'),
    )
    const stderr = collect(child.stderr, MAX_ERROR_BYTES, () => undefined)
    const settle = (found: ProgramOutcome) => {
      for (const timer of timers) timer.cancel()
      for (const stream of [child.stdout, child.stderr]) stream.destroy()
      resolve(found)
    }
    const timedOut = `gave no answer within ${timeoutMs / 1000} s`
    const timers = [
      clock.after(timeoutMs, () => fail(`${timedOut} and was ended`, 'SIGTERM')),
      clock.after(timeoutMs + GRACE_MS, () => kill('SIGKILL')),
      clock.after(timeoutMs + 2 * GRACE_MS, () =>
        settle({ kind: 'failed', reason: `${timedOut} and cannot even be killed` }),
      ),
    ]
    const exited = () => settle(toOutcome(child, failure, stdout(), stderr()))
    child.once('error', (error) => settle({ kind: 'failed', reason: `could not be run: ${error.message}` }))
    child.once('close', exited)
    // Another process that holds its pipes is not waited for.
    child.once('exit', () => timers.push(clock.after(GRACE_MS, exited)))
  })
  return { outcome, gone, kill: () => kill('SIGKILL') }
}

function toOutcome(
  child: ChildProcess,
  failure: string | null,
  stdout: string,
  stderr: string,
): ProgramOutcome {
  if (failure !== null) return { kind: 'failed', reason: failure }
  if (child.exitCode === null) return { kind: 'failed', reason: `was ended by ${child.signalCode}` }
  return { kind: 'exited', code: child.exitCode, stdout, stderr }
}

/** Keeps at most `max` bytes; the rest is read and discarded, and `onExcess` is called once. */
function collect(stream: Readable, max: number, onExcess: () => void): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    const room = max - size
    if (room > 0) chunks.push(chunk.subarray(0, room))
    size += chunk.length
    if (size > max && size - chunk.length <= max) onExcess()
  })
  // A read error ends the output.
  stream.on('error', () => stream.destroy())
  return () => Buffer.concat(chunks).toString('utf8')
}
