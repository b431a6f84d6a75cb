import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { type OutputWriter, stepIdOf } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { type HostStepReport, hostStepReport } from './domain/host-outcome.ts'

/** The folder in which the host keeps all that it needs to decide an upgrade, without us too. */
const STATE = '/var/lib/rollcall-upgrade'
/** A zipped `rollcall_host`, which the host keeps beside the state of an upgrade. Servers of earlier releases call it by this name too. */
const PROGRAM = ['-I', `${STATE}/agent_switch.py`]
const STEP_TIMEOUT_S = 60
const UNIT_TIMEOUT_S = 900
const WAIT_MS = 10_000
const PAUSE_MS = 250
const MAX_ANSWER_BYTES = 64 * 1024
/** An agent that has not answered for this long does not recover without help. */
export const SILENT_FOR_MS = 150_000
/** The exit code of python3 for a program that is not there: no upgrade ever began on this host. */
const NO_SUCH_FILE = 2

interface Ended {
  exitCode: number | null
  stdout: string
}

/** The steps of an upgrade on a host, through the agent that answers there. Each has an id, and is done once. */
@Injectable()
export class HostSteps {
  constructor(
    private readonly agents: AgentsService,
    private readonly clock: Clock,
  ) {}

  /** Returns the release of the agent that answers now. Throws `agent.*`. */
  async version(hostId: string, signal: AbortSignal): Promise<string> {
    return (await this.agents.call(hostId, 'health_check', {}, { signal, retry: 'never' })).agent_version
  }

  /** Returns the state of an upgrade by the host's own records. Throws `upgrade.stranded` when no agent answers. */
  async report(hostId: string, id: string, signal: AbortSignal): Promise<HostStepReport> {
    // Each question is a step of its own: an id is answered once.
    const step = `report/${this.clock.now().getTime()}`
    const { exitCode, stdout } = await this.run(hostId, id, step, ['report', id], signal)
    if (exitCode === NO_SUCH_FILE) return { state: 'not_begun' }
    const said = exitCode === 0 ? hostStepReport.safeParse(parsed(stdout)) : undefined
    if (said?.success)
      return { state: said.data.state, reason: sanitizeText((said.data.reason ?? '').trim(), 1000) }
    throw new RollcallError(
      'agent.invalid_answer',
      `The host does not report the state of its upgrade (exit code ${exitCode}). Look at ${STATE} there.`,
    )
  }

  /** Tells the host to keep its new agent, by way of that agent. */
  async confirm(
    hostId: string,
    id: string,
    attempt: number,
    signal: AbortSignal,
  ): Promise<'confirmed' | 'too_late' | 'too_early'> {
    const { exitCode } = await this.run(hostId, id, `confirm/${attempt}`, ['confirm', id], signal)
    if (exitCode === 0) return 'confirmed'
    return exitCode === 3 ? 'too_late' : 'too_early'
  }

  /** Tells the host to go back to its old agent. */
  async reject(hostId: string, id: string, reason: string, signal: AbortSignal): Promise<void> {
    await this.run(hostId, id, 'reject', ['reject', id, reason], signal)
  }

  /** Starts the playbook as a unit of its own, once, which outlives both the agent and what follows its output. */
  async startUnit(
    hostId: string,
    id: string,
    { tools, job }: { tools: string; job: string },
    signal: AbortSignal,
  ): Promise<void> {
    const args = ['-I', `${tools}/playbooks/host`, 'upgrade', job]
    await this.agents.call(
      hostId,
      'execute_command',
      { command_id: unitOf(id), command: 'python3', args, timeout: UNIT_TIMEOUT_S },
      { signal },
    )
  }

  /** Copies the unit's output into `log` until it has ended, through restarts of the agent. Throws `upgrade.stranded`. */
  async followUnit(hostId: string, id: string, log: OutputWriter, signal: AbortSignal): Promise<void> {
    await this.follow(hostId, unitOf(id), (stream, data) => log.write(stream, data), signal)
  }

  private async run(
    hostId: string,
    id: string,
    step: string,
    words: string[],
    signal: AbortSignal,
  ): Promise<Ended> {
    const command_id = stepIdOf(id, step)
    const order = { command_id, command: 'python3', args: [...PROGRAM, ...words], timeout: STEP_TIMEOUT_S }
    let stdout = ''
    await this.answered(
      () => this.agents.call(hostId, 'execute_command', order, { signal, retry: 'never' }),
      signal,
    )
    const exitCode = await this.follow(
      hostId,
      command_id,
      async (stream, data) => {
        if (stream === 'stdout' && stdout.length < MAX_ANSWER_BYTES) stdout += data.toString('utf8')
      },
      signal,
    )
    return { exitCode, stdout }
  }

  private async follow(
    hostId: string,
    command_id: string,
    onOutput: (stream: 'stdout' | 'stderr', data: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number | null> {
    for (let offset = 0; ; ) {
      const params = { command_id, offset, acknowledged_offset: offset, wait_ms: WAIT_MS }
      const answer = await this.answered(
        () => this.agents.call(hostId, 'get_command_log', params, { signal, retry: 'never' }),
        signal,
      )
      for (const chunk of [answer, ...answer.further])
        await onOutput(chunk.log_type, Buffer.from(chunk.log_data, 'base64'))
      offset = answer.new_offset
      if (!answer.is_final) continue
      // The agent removes its record after a day, so a failed call costs nothing.
      await this.agents
        .call(hostId, 'release_command', { command_id }, { signal, retry: 'never' })
        .catch((error) => {
          if (!(error instanceof RollcallError)) throw error
        })
      return answer.result?.return_code ?? null
    }
  }

  /** Repeats a call while the agent is silent. Throws `upgrade.stranded` when it stays silent, and other errors of the agent. */
  private async answered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const since = this.clock.now().getTime()
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof RollcallError) || error.kind !== 'unavailable') throw error
        if (this.clock.now().getTime() - since > SILENT_FOR_MS)
          throw new RollcallError(
            'upgrade.stranded',
            `No agent has answered for ${SILENT_FOR_MS / 1000} s: ${error.message}`,
            { cause: error },
          )
      }
      await this.clock.sleep(PAUSE_MS, signal)
    }
  }
}

const unitOf = (id: string) => stepIdOf(id, 'unit')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
