import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Clock } from './clock.ts'
import { signalStartedGroup } from './processes.ts'
import { withDefaultPriorities } from './spawn-defaults.ts'

/** A program that is asked something. */
export interface Question {
  path: string
  args: readonly string[]
  env: Record<string, string>
  /** Until TERM goes to its process group; KILL follows `GRACE_MS` later. */
  timeoutMs: number
  /** Bytes of its output; one that prints more is killed. */
  mostBytes: number
}

export type Answer =
  | { kind: 'exited'; code: number; stdout: string; stderr: string }
  /** In words that follow the program's name. */
  | { kind: 'failed'; reason: string }

/** Between TERM and KILL, between KILL and giving up, and for output to come after the exit, in milliseconds. */
const GRACE_MS = 2000
/** What is kept of standard error; the rest is thrown away. */
const MAX_ERROR_BYTES = 4096

export interface Asked {
  /** Settles within the timeout and twice `GRACE_MS`, whatever the program does. Never rejects. */
  answer: Promise<Answer>
  /** Resolves when the program is gone. One that waits for a broken disk may outlive even KILL. */
  gone: Promise<void>
  /** Kills it. */
  kill(): void
}

/** Runs a program, as the leader of a process group of its own, for what it prints. */
export function ask(question: Question, clock: Clock): Asked {
  const { path, args, env, timeoutMs } = question
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
  const answer = new Promise<Answer>((resolve) => {
    let failure: string | null = null
    const fail = (reason: string, signal: NodeJS.Signals) => {
      failure ??= reason
      kill(signal)
    }
    const stdout = collect(child.stdout, question.mostBytes, () =>
      fail(`printed more than ${question.mostBytes} bytes`, 'SIGKILL'),
    )
    const stderr = collect(child.stderr, MAX_ERROR_BYTES, () => undefined)
    const settle = (found: Answer) => {
      for (const timer of timers) timer.cancel()
      for (const stream of [child.stdout, child.stderr]) stream.destroy()
      resolve(found)
    }
    const said = `gave no answer within ${timeoutMs / 1000} s`
    const timers = [
      clock.after(timeoutMs, () => fail(`${said} and was ended`, 'SIGTERM')),
      clock.after(timeoutMs + GRACE_MS, () => kill('SIGKILL')),
      clock.after(timeoutMs + 2 * GRACE_MS, () =>
        settle({ kind: 'failed', reason: `${said} and cannot even be killed` }),
      ),
    ]
    const exited = () => settle(toAnswer(child, failure, stdout(), stderr()))
    child.once('error', (error) => settle({ kind: 'failed', reason: `could not be run: ${error.message}` }))
    child.once('close', exited)
    // Whoever else holds its pipes is not waited for.
    child.once('exit', () => timers.push(clock.after(GRACE_MS, exited)))
  })
  return { answer, gone, kill: () => kill('SIGKILL') }
}

function toAnswer(child: ChildProcess, failure: string | null, stdout: string, stderr: string): Answer {
  if (failure !== null) return { kind: 'failed', reason: failure }
  if (child.exitCode === null) return { kind: 'failed', reason: `was ended by ${child.signalCode}` }
  return { kind: 'exited', code: child.exitCode, stdout, stderr }
}

/** Keeps at most `most` bytes; what comes after them is read and thrown away, and told once. */
function collect(stream: Readable, most: number, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    const room = most - size
    if (room > 0) chunks.push(chunk.subarray(0, room))
    size += chunk.length
    if (size > most && size - chunk.length <= most) onTooMuch()
  })
  // A pipe that cannot be read has said all that it will.
  stream.on('error', () => stream.destroy())
  return () => Buffer.concat(chunks).toString('utf8')
}
