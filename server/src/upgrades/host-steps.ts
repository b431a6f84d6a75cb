import { parseJson, RollcallError, sanitizeText } from '@rollcall/contracts'
import type { AgentMethodName, AgentParamsInput, AgentResult } from '@rollcall/contracts/agent'
import type { AgentsService } from '../agents/index.ts'
import { type OutputWriter, stepIdOf } from '../commands/index.ts'
import type { Clock } from '../platform/clock/clock.ts'
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

/** The steps of one upgrade on its host, through the agent that answers there. Each has an id, and is done once. */
export class HostSteps {
  constructor(
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly upgrade: { id: string; hostId: string },
    private readonly signal: AbortSignal,
  ) {}

  /** Returns the same steps, which end with another signal. */
  until(signal: AbortSignal): HostSteps {
    return new HostSteps(this.agents, this.clock, this.upgrade, signal)
  }

  /** Returns the release of the agent that answers now. Throws `agent.*`. */
  async version(): Promise<string> {
    return (await this.callOnce('health_check', {})).agent_version
  }

  /** Returns the state of the upgrade by the host's own records. Throws `upgrade.stranded` when no agent answers. */
  async report(): Promise<HostStepReport> {
    // Each question is a step of its own: an id is answered once.
    const { exitCode, stdout } = await this.run(`report/${this.clock.now().getTime()}`, 'report')
    if (exitCode === NO_SUCH_FILE) return { state: 'not_begun' }
    const said = exitCode === 0 ? parseJson(hostStepReport, stdout) : undefined
    if (said) return { state: said.state, reason: sanitizeText((said.reason ?? '').trim(), 1000) }
    throw new RollcallError(
      'agent.invalid_answer',
      `The host does not report the state of its upgrade (exit code ${exitCode}). Look at ${STATE} there.`,
    )
  }

  /** Tells the host to keep its new agent, by way of that agent. */
  async confirm(attempt: number): Promise<'confirmed' | 'too_late' | 'too_early'> {
    const { exitCode } = await this.run(`confirm/${attempt}`, 'confirm')
    if (exitCode === 0) return 'confirmed'
    return exitCode === 3 ? 'too_late' : 'too_early'
  }

  /** Tells the host to go back to its old agent. */
  async reject(reason: string): Promise<void> {
    await this.run('reject', 'reject', reason)
  }

  /** Starts the playbook as a unit of its own, once, which outlives both the agent and what follows its output. */
  async startUnit({ tools, job }: { tools: string; job: string }): Promise<void> {
    const args = ['-I', `${tools}/playbooks/host`, 'upgrade', job]
    const unit = { command_id: this.idOf('unit'), command: 'python3', args, timeout: UNIT_TIMEOUT_S }
    await this.agents.call(this.upgrade.hostId, 'execute_command', unit, { signal: this.signal })
  }

  /** Copies the unit's output into `log` until it has ended, through restarts of the agent. Throws `upgrade.stranded`. */
  async followUnit(log: OutputWriter): Promise<void> {
    await this.follow(this.idOf('unit'), (stream, data) => log.write(stream, data))
  }

  private async run(step: string, verb: string, ...words: string[]): Promise<Ended> {
    const command_id = this.idOf(step)
    const args = [...PROGRAM, verb, this.upgrade.id, ...words]
    const program = { command_id, command: 'python3', args, timeout: STEP_TIMEOUT_S }
    let stdout = ''
    await this.callUntilAnswered('execute_command', program)
    const exitCode = await this.follow(command_id, async (stream, data) => {
      if (stream === 'stdout' && stdout.length < MAX_ANSWER_BYTES) stdout += data.toString('utf8')
    })
    return { exitCode, stdout }
  }

  private async follow(
    command_id: string,
    onOutput: (stream: 'stdout' | 'stderr', data: Buffer) => Promise<void>,
  ): Promise<number | null> {
    for (let offset = 0; ; ) {
      const params = { command_id, offset, acknowledged_offset: offset, wait_ms: WAIT_MS }
      const answer = await this.callUntilAnswered('get_command_log', params)
      for (const chunk of [answer, ...answer.further])
        await onOutput(chunk.log_type, Buffer.from(chunk.log_data, 'base64'))
      offset = answer.new_offset
      if (!answer.is_final) continue
      // The agent removes its record after a day, so a failed call costs nothing.
      await this.callOnce('release_command', { command_id }).catch((error) => {
        if (!(error instanceof RollcallError)) throw error
      })
      return answer.result?.return_code ?? null
    }
  }

  /** Repeats a call while the agent is silent. Throws `upgrade.stranded` when it stays silent, and other errors of the agent. */
  private async callUntilAnswered<N extends AgentMethodName>(
    method: N,
    params: AgentParamsInput<N>,
  ): Promise<AgentResult<N>> {
    const since = this.clock.now().getTime()
    for (;;) {
      try {
        return await this.callOnce(method, params)
      } catch (error) {
        this.signal.throwIfAborted()
        if (!(error instanceof RollcallError) || error.kind !== 'unavailable') throw error
        if (this.clock.now().getTime() - since > SILENT_FOR_MS)
          throw new RollcallError(
            'upgrade.stranded',
            `No agent has answered for ${SILENT_FOR_MS / 1000} s: ${error.message}`,
            { cause: error },
          )
      }
      await this.clock.sleep(PAUSE_MS, this.signal)
    }
  }

  private callOnce<N extends AgentMethodName>(method: N, params: AgentParamsInput<N>) {
    return this.agents.call(this.upgrade.hostId, method, params, { signal: this.signal, retry: 'never' })
  }

  private idOf(step: string): string {
    return stepIdOf(this.upgrade.id, step)
  }
}
