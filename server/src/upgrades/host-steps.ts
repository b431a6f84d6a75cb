import { parseJson, RollcallError, sanitizeText } from '@rollcall/contracts'
import type { AgentsService } from '../agents/index.ts'
import { AgentPrograms, type EndedProgram, type OutputWriter, stepIdOf } from '../commands/index.ts'
import type { Clock } from '../platform/clock/clock.ts'
import { type HostStepReport, hostStepReport } from './domain/host-outcome.ts'

/** The folder in which the host keeps all that it needs to decide an upgrade, without us too. */
const STATE = '/var/lib/rollcall-upgrade'
/** A zipped `rollcall_host`, which the host keeps beside the state of an upgrade. Servers of earlier releases call it by this name too. */
const PROGRAM = ['-I', `${STATE}/agent_switch.py`]
const STEP_TIMEOUT_S = 60
const UNIT_TIMEOUT_S = 900
/** An agent that has not answered for this long does not recover without help. */
const SILENT_FOR_MS = 150_000
/** The exit code of python3 for a program that is not there: no upgrade ever began on this host. */
const NO_SUCH_FILE = 2

const toStranded = (cause: RollcallError) =>
  new RollcallError(
    'upgrade.stranded',
    `No agent has answered for ${SILENT_FOR_MS / 1000} s: ${cause.message}`,
    { cause },
  )

/** The steps of one upgrade on its host, through the agent that answers there. Each has an id, and is done once. */
export class HostSteps {
  private readonly programs: AgentPrograms

  constructor(
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly upgrade: { id: string; hostId: string },
    private readonly signal: AbortSignal,
  ) {
    this.programs = new AgentPrograms(agents, clock, {
      id: upgrade.hostId,
      signal,
      silentForMs: SILENT_FOR_MS,
      toSilence: toStranded,
    })
  }

  /** Returns the same steps, which end with another signal. */
  until(signal: AbortSignal): HostSteps {
    return new HostSteps(this.agents, this.clock, this.upgrade, signal)
  }

  /** Returns the release of the agent that answers now. Throws `agent.*`. */
  async version(): Promise<string> {
    return (await this.programs.callOnce('health_check', {})).agent_version
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
    const id = this.idOf('unit')
    await this.programs.follow(id, (stream, data) => log.write(stream, data))
    await this.programs.release(id)
  }

  private run(step: string, verb: string, ...words: string[]): Promise<EndedProgram> {
    const args = [...PROGRAM, verb, this.upgrade.id, ...words]
    return this.programs.run({ id: this.idOf(step), command: 'python3', args, timeoutS: STEP_TIMEOUT_S })
  }

  private idOf(step: string): string {
    return stepIdOf(this.upgrade.id, step)
  }
}
