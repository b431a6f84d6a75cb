import { RollcallError } from '@rollcall/contracts'
import type { AgentMethodName, AgentParamsInput, AgentResult } from '@rollcall/contracts/agent'
import type { AgentsService } from '../agents/index.ts'
import type { Clock } from '../platform/clock/clock.ts'
import type { StreamChunk } from './output/domain/output.ts'

const WAIT_MS = 10_000
const PAUSE_MS = 250
/** The longest answer on stdout; more is not kept. */
const MAX_ANSWER_BYTES = 64 * 1024

/** A program to run on a host, once for each id. */
export interface AgentProgram {
  id: string
  command: string
  args: string[]
  timeoutS: number
}

/** How a program ended, and what it wrote to stdout. */
export interface EndedProgram {
  /** Null when it was ended by a signal, or never ran. */
  exitCode: number | null
  stdout: string
}

type OnOutput = (stream: StreamChunk['stream'], data: Buffer) => Promise<void>

/** The host whose agent runs the programs. */
export interface ProgramHost {
  id: string
  /** Ends everything here; the program itself goes on. */
  signal: AbortSignal
  /** An agent that has not answered for this long does not recover without help. */
  silentForMs: number
  /** Makes the error for an agent that stays silent; without it the agent's own error is thrown. */
  toSilence?: (cause: RollcallError) => RollcallError
}

/**
 * Runs programs on one host through its agent, for the server itself and not for a person. Each has an id and is started once; an agent
 * that is silent, for instance because it is being replaced, is asked again.
 */
export class AgentPrograms {
  constructor(
    private readonly agents: Pick<AgentsService, 'call'>,
    private readonly clock: Clock,
    private readonly host: ProgramHost,
  ) {}

  /** Runs a program to its end, and releases it. Throws `agent.*` when the agent stays silent or refuses. */
  async run(program: AgentProgram): Promise<EndedProgram> {
    const ended = await this.runSpooled(program)
    await this.release(program.id)
    return ended
  }

  /** Runs a program to its end as `run` does; the agent keeps its record, so that the same id gives the same answer. */
  async runSpooled(program: AgentProgram): Promise<EndedProgram> {
    const { id: command_id, command, args, timeoutS: timeout } = program
    await this.callUntilAnswered('execute_command', { command_id, command, args, timeout }).catch((error) => {
      // An earlier release of the server has started it, in other words.
      if (!(error instanceof RollcallError) || error.code !== 'command.id_conflict') throw error
    })
    const answer: Buffer[] = []
    let bytes = 0
    const exitCode = await this.follow(command_id, async (stream, data) => {
      if (stream !== 'stdout' || bytes >= MAX_ANSWER_BYTES) return
      answer.push(data.subarray(0, MAX_ANSWER_BYTES - bytes))
      bytes += data.length
    })
    return { exitCode, stdout: Buffer.concat(answer).toString('utf8') }
  }

  /** Reads the output of a program until it has ended. Returns its exit code. Throws as `run` does. */
  async follow(command_id: string, onOutput: OnOutput): Promise<number | null> {
    for (let offset = 0; ; ) {
      const params = { command_id, offset, acknowledged_offset: 0, wait_ms: WAIT_MS }
      const answer = await this.callUntilAnswered('get_command_log', params)
      for (const chunk of [answer, ...answer.further])
        await onOutput(chunk.log_type, Buffer.from(chunk.log_data, 'base64'))
      offset = answer.new_offset
      if (answer.is_final) return answer.result?.return_code ?? null
    }
  }

  /** Lets the agent forget a program that has ended. It removes its record after a day anyway, so a failed call costs nothing. */
  async release(command_id: string): Promise<void> {
    await this.callOnce('release_command', { command_id }).catch((error) => {
      if (!(error instanceof RollcallError)) throw error
    })
  }

  /** Makes one call. Throws `agent.*`. */
  callOnce<N extends AgentMethodName>(method: N, params: AgentParamsInput<N>): Promise<AgentResult<N>> {
    return this.agents.call(this.host.id, method, params, { signal: this.host.signal, retry: 'never' })
  }

  private async callUntilAnswered<N extends AgentMethodName>(
    method: N,
    params: AgentParamsInput<N>,
  ): Promise<AgentResult<N>> {
    const { signal, silentForMs, toSilence } = this.host
    const since = this.clock.now().getTime()
    for (;;) {
      try {
        return await this.callOnce(method, params)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof RollcallError) || error.kind !== 'unavailable') throw error
        if (this.clock.now().getTime() - since > silentForMs) throw toSilence?.(error) ?? error
      }
      await this.clock.sleep(PAUSE_MS, signal)
    }
  }
}
