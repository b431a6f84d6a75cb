import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type {
  AgentParams,
  AgentResult,
  CommandResult,
  CommandStatus,
  FinalStatus,
  LogType,
} from '@rollcall/contracts/agent'
import { type Step, toSteps } from './programs.ts'

const MAX_TOMBSTONES = 10_000
/** Stands for the parameters of a command that was taken back: it never starts, whatever they are. */
const WITHDRAWN = ''

type LogAnswer = AgentResult<'get_command_log'>

interface Command {
  key: string
  params: AgentParams<'execute_command'>
  startedAtMs: number
  /** Output that is not acknowledged, from byte `from` of the whole on. */
  output: { type: LogType; data: Buffer }[]
  from: number
  end: number
  written: Record<LogType, number>
  result: CommandResult | null
  /** Long polls that wait for news. */
  waiting: Set<() => void>
  timers: Set<NodeJS.Timeout>
}

interface Tombstone {
  key: string
  status: FinalStatus
}

/** The commands of one simulated host: the agent's promises without its disk. */
export class CommandBook {
  readonly #hostname: string
  readonly #kept = new Map<string, Command>()
  readonly #released = new Map<string, Tombstone>()

  constructor(hostname: string) {
    this.#hostname = hostname
  }

  running(): string[] {
    return [...this.#kept].filter(([, command]) => command.result === null).map(([id]) => id)
  }

  execute(params: AgentParams<'execute_command'>): AgentResult<'execute_command'> {
    const { command_id } = params
    const key = JSON.stringify(params)
    const known = this.#released.get(command_id) ?? this.#kept.get(command_id)
    if (known !== undefined) {
      if (known.key !== WITHDRAWN && known.key !== key)
        throw new RollcallError(
          'command.id_conflict',
          `Command ${command_id} is known with other parameters; choose a new id.`,
        )
      return { command_id, status: 'status' in known ? known.status : toStatus(known) }
    }
    const command: Command = {
      key,
      params,
      startedAtMs: Date.now(),
      output: [],
      from: 0,
      end: 0,
      written: { stdout: 0, stderr: 0 },
      result: null,
      waiting: new Set(),
      timers: new Set(),
    }
    this.#kept.set(command_id, command)
    setImmediate(() => this.#start(command))
    return { command_id, status: 'running' }
  }

  readLog(params: AgentParams<'get_command_log'>): LogAnswer | Promise<LogAnswer> {
    const command = this.#find(params.command_id)
    acknowledge(command, Math.min(params.acknowledged_offset, params.offset))
    const answer = readOnce(command, params)
    if (answer.log_data !== '' || answer.is_final || params.wait_ms === 0) return answer
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer)
        command.waiting.delete(settle)
        resolve(readOnce(command, params))
      }
      const timer = setTimeout(settle, params.wait_ms)
      command.waiting.add(settle)
    })
  }

  cancel(command_id: string): AgentResult<'cancel_command'> {
    const tombstone = this.#released.get(command_id)
    if (tombstone) return { command_id, status: tombstone.status }
    const command = this.#find(command_id)
    const status = toStatus(command)
    if (status === 'running')
      setImmediate(() => end(command, { status: 'cancelled', code: null, signal: 'SIGTERM' }))
    return { command_id, status }
  }

  withdraw(command_id: string): AgentResult<'withdraw_command'> {
    const known = this.#released.get(command_id) ?? this.#kept.get(command_id)
    if (known === undefined) this.#bury(command_id, { key: WITHDRAWN, status: 'cancelled' })
    return { command_id, withdrawn: known === undefined || known.key === WITHDRAWN }
  }

  release(command_id: string): AgentResult<'release_command'> {
    if (this.#released.has(command_id)) return { command_id, released: true }
    const { key, result } = this.#find(command_id)
    if (result === null) return { command_id, released: false }
    this.#bury(command_id, { key, status: result.status })
    this.#kept.delete(command_id)
    return { command_id, released: true }
  }

  /** Its input goes nowhere: no simulated program reads. */
  writeInput({ command_id }: AgentParams<'write_input'>): AgentResult<'write_input'> {
    const { params } = this.#findRunning(command_id)
    if (!params.stdin && !params.tty)
      throw refused('command.no_input', 'The command was started without standard input (stdin: false).')
    return { command_id, accepted: true }
  }

  resize({ command_id }: AgentParams<'resize_terminal'>): AgentResult<'resize_terminal'> {
    if (!this.#findRunning(command_id).params.tty)
      throw refused('command.no_terminal', 'The command was started without a terminal (tty: false).')
    return { command_id, accepted: true }
  }

  #find(id: string): Command {
    if (this.#released.has(id))
      throw refused('command.output_gone', `Command ${id} was released; its output is no longer on the host.`)
    const command = this.#kept.get(id)
    if (!command) throw refused('command.not_found', `The host knows no command ${id}.`)
    return command
  }

  #findRunning(id: string): Command {
    const command = this.#find(id)
    if (command.result !== null) throw refused('command.not_running', 'The command has ended.')
    return command
  }

  #bury(id: string, tombstone: Tombstone): void {
    this.#released.set(id, tombstone)
    const oldest = this.#released.keys().next()
    if (this.#released.size > MAX_TOMBSTONES && !oldest.done) this.#released.delete(oldest.value)
  }

  #start(command: Command): void {
    if (command.result !== null) return
    const { command: program, args, timeout } = command.params
    const steps = toSteps([program, ...args], this.#hostname)
    if (steps === undefined) {
      end(command, { status: 'failed', code: 127, isNoProgram: true })
      return
    }
    advance(command, steps, 0)
    if (command.result !== null) return
    later(command, timeout * 1000, () => end(command, { status: 'timed_out', code: null, signal: 'SIGTERM' }))
  }
}

const refused = (code: ErrorCode, message: string) => new RollcallError(code, message)

const toStatus = ({ result }: Command): CommandStatus => result?.status ?? 'running'

function later(command: Command, ms: number, work: () => void): void {
  const timer = setTimeout(
    () => {
      command.timers.delete(timer)
      work()
    },
    Math.min(ms, 2 ** 31 - 1),
  )
  command.timers.add(timer)
}

function advance(command: Command, steps: readonly Step[], at: number): void {
  for (let next = at; ; next++) {
    const step = steps[next]
    if (step === undefined || command.result !== null) return
    if ('sleepMs' in step) {
      later(command, step.sleepMs, () => advance(command, steps, next + 1))
      return
    }
    if ('exit' in step) {
      end(command, { status: step.exit === 0 ? 'success' : 'failed', code: step.exit })
      return
    }
    const data = Buffer.from(step.write)
    command.output.push({ type: step.to, data })
    command.end += data.length
    command.written[step.to] += data.length
    wake(command)
  }
}

function end(
  command: Command,
  how: { status: FinalStatus; code: number | null; signal?: string; isNoProgram?: boolean },
): void {
  if (command.result !== null) return
  for (const timer of command.timers) clearTimeout(timer)
  command.result = {
    status: how.status,
    success: how.status === 'success',
    ...command.written,
    dropped: 0,
    return_code: how.code,
    signal: how.signal ?? null,
    reason: how.isNoProgram ? 'command.start_failed' : null,
    message: how.isNoProgram ? 'There is no such program on the host.' : null,
    started_at_ms: command.startedAtMs,
    ended_at_ms: Date.now(),
  }
  wake(command)
}

function wake(command: Command): void {
  for (const settle of command.waiting) settle()
}

function acknowledge(command: Command, offset: number): void {
  for (let first = command.output[0]; first && command.from < offset; first = command.output[0]) {
    const count = Math.min(offset - command.from, first.data.length)
    command.from += count
    if (count === first.data.length) command.output.shift()
    else first.data = first.data.subarray(count)
  }
}

function readOnce(command: Command, { offset, max_bytes }: AgentParams<'get_command_log'>): LogAnswer {
  if (offset < command.from)
    throw refused('command.output_gone', `Output below ${command.from} is no longer on the host.`)
  const runs: LogAnswer['further'] = []
  let at = command.from
  let newOffset = offset
  for (const { type, data } of command.output) {
    const from = Math.max(0, newOffset - at)
    const part = data.subarray(from, Math.min(data.length, from + max_bytes - (newOffset - offset)))
    if (part.length > 0) {
      runs.push({ log_type: type, log_data: part.toString('base64') })
      newOffset += part.length
    }
    at += data.length
  }
  const [first, ...further] = runs
  return {
    log_data: first?.log_data ?? '',
    log_type: first?.log_type ?? 'stdout',
    further,
    new_offset: newOffset,
    is_final: command.result !== null && newOffset >= command.end,
    result: command.result,
  }
}
