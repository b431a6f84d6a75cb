import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { AgentParams, LogType } from '@rollcall/contracts/agent'
import { type Fifos, type Pipe, readToEnd } from '../fifos.ts'
import { withProgramDefaults } from '../spawn-defaults.ts'
import type { ProgramExit } from './ending.ts'

export interface ProgramEvents {
  onData(type: LogType, data: Buffer): void
  /** Called when both streams have ended. */
  onOutputEnd(): void
  onExit(exit: ProgramExit): void
  /** The program could not be started; no other event follows. */
  onStartFailure(error: NodeJS.ErrnoException): void
}

/** A running program, the leader of its own process group. */
export interface Program {
  pid: number
  write(data: Buffer, done: () => void): void
  endInput(): void
  resize(columns: number, rows: number): void
}

export interface ProgramStart {
  path: string
  env: Record<string, string>
  umask: number
  params: AgentParams<'execute_command'>
}

const noop = () => undefined

/** Starts a program on pipes. Returns null if that failed, in which case `onStartFailure` is called later. */
export function startOnPipes(start: ProgramStart, fifos: Fifos, events: ProgramEvents): Program | null {
  const { params } = start
  const output: Record<LogType, Pipe> = { stdout: fifos.take(), stderr: fifos.take() }
  const input = params.stdin ? fifos.take() : null
  const childEnds = [output.stdout.writeEnd, output.stderr.writeEnd, ...(input ? [input.readEnd] : [])]
  let child: ChildProcess
  try {
    child = withProgramDefaults(start.umask, () =>
      spawn(start.path, params.args, {
        argv0: params.command,
        cwd: params.cwd,
        env: start.env,
        detached: true,
        stdio: [input?.readEnd ?? 'ignore', output.stdout.writeEnd, output.stderr.writeEnd],
      }),
    )
  } finally {
    for (const fd of childEnds) closeSync(fd)
  }
  let open = 2
  const onEnd = () => {
    open--
    if (open === 0) events.onOutputEnd()
  }
  for (const type of ['stdout', 'stderr'] as const) {
    readToEnd(output[type].readEnd, (data) => events.onData(type, data), onEnd)
  }
  child.once('error', (error) => {
    if (child.pid === undefined) events.onStartFailure(error)
  })
  child.once('exit', (code, signal) => events.onExit({ code, signal }))
  const stdin = input === null ? null : inputSocket(input.writeEnd)
  if (child.pid === undefined) {
    stdin?.destroy()
    return null
  }
  return {
    pid: child.pid,
    write: (data, done) => (stdin === null || stdin.destroyed ? done() : stdin.write(data, () => done())),
    endInput: () => stdin?.end(),
    resize: noop,
  }
}

function inputSocket(fd: number): Socket {
  const socket = new Socket({ fd, readable: false, writable: true })
  // EPIPE: the program has closed its input.
  socket.on('error', () => socket.destroy())
  return socket
}

/** Control-D, which ends the input of a terminal at the start of a line. */
const END_OF_INPUT = Buffer.from([4])

/** Starts a program on its own terminal. All output is `stdout`, since a terminal has one stream. Throws if it cannot be started. */
export async function startOnTerminal(
  start: ProgramStart,
  events: ProgramEvents,
  signalName: (signal: number | undefined) => string | null,
): Promise<Program> {
  // Loaded for the first terminal only: most runners need none.
  const { spawn: spawnTerminal } = (await import('node-pty')).default
  const { params } = start
  const terminal = withProgramDefaults(start.umask, () =>
    spawnTerminal(start.path, params.args, {
      name: start.env.TERM ?? 'xterm-256color',
      cols: params.columns,
      rows: params.rows,
      cwd: params.cwd,
      env: start.env,
      encoding: null,
    }),
  )
  // With encoding null the data is a Buffer, despite its type.
  terminal.onData((data) => events.onData('stdout', data as unknown as Buffer))
  terminal.onExit(({ exitCode, signal }) => {
    const name = signalName(signal)
    events.onOutputEnd()
    events.onExit({ code: name === null ? exitCode : null, signal: name })
  })
  return {
    pid: terminal.pid,
    write: (data, done) => {
      terminal.write(data)
      setImmediate(done)
    },
    endInput: () => terminal.write(END_OF_INPUT),
    resize: (columns, rows) => terminal.resize(columns, rows),
  }
}
