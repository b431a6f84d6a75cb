import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { type OutputWriter, stepIdOf } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { type HostReport, hostReport } from './domain/host-outcome.ts'

/** Where the host keeps what it needs to decide an upgrade, also without us. */
const STATE = '/var/lib/rollcall-upgrade'
const SWITCH = ['-I', `${STATE}/agent_switch.py`]
const STEP_TIMEOUT_S = 60
const UNIT_TIMEOUT_S = 900
const WAIT_MS = 10_000
const PAUSE_MS = 250
const MAX_ANSWER_BYTES = 64 * 1024
/** An agent that has not answered for so long does not come back by itself. */
export const SILENT_FOR_MS = 150_000
/** What python3 exits with when there is no such program: nothing was ever begun on this host. */
const NO_SUCH_FILE = 2

interface Ended {
  exitCode: number | null
  stdout: string
}

export interface UnitOrder {
  /** The folder of Ansible and playbooks on the host. */
  tools: string
  staging: string
}

/** What the server has a host do for an upgrade, through whichever agent answers there. Each step has an id, and is done once. */
@Injectable()
export class HostSteps {
  constructor(
    private readonly agents: AgentsService,
    private readonly clock: Clock,
  ) {}

  /** The release of the agent that answers now. Throws `agent.*`. */
  async version(hostId: string, signal: AbortSignal): Promise<string> {
    return (await this.agents.call(hostId, 'health_check', {}, { signal, retry: 'never' })).agent_version
  }

  /** How the host says that the upgrade `id` stands. Waits for an agent; throws `upgrade.stranded` when none comes. */
  async report(hostId: string, id: string, signal: AbortSignal): Promise<HostReport> {
    // Each question is a step of its own: an id is answered once.
    const step = `report/${this.clock.now().getTime()}`
    const { exitCode, stdout } = await this.run(hostId, id, step, ['report', id], signal)
    if (exitCode === NO_SUCH_FILE) return { state: 'not_begun' }
    const said = exitCode === 0 ? hostReport.safeParse(parsed(stdout)) : undefined
    if (said?.success)
      return { state: said.data.state, reason: sanitizeText((said.data.reason ?? '').trim(), 1000) }
    throw new RollcallError(
      'agent.invalid_answer',
      `The host does not say how its upgrade stands (exit code ${exitCode}). Look at ${STATE} there.`,
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
  async startUnit(hostId: string, id: string, order: UnitOrder, signal: AbortSignal): Promise<void> {
    await this.agents.call(
      hostId,
      'execute_command',
      {
        command_id: unitOf(id),
        command: 'systemd-run',
        args: unitArguments(order),
        timeout: UNIT_TIMEOUT_S,
      },
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
    const order = { command_id, command: 'python3', args: [...SWITCH, ...words], timeout: STEP_TIMEOUT_S }
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
      // What it holds back is forgotten after a day; so a release that fails costs nothing.
      await this.agents
        .call(hostId, 'release_command', { command_id }, { signal, retry: 'never' })
        .catch((error) => {
          if (!(error instanceof RollcallError)) throw error
        })
      return answer.result?.return_code ?? null
    }
  }

  /** Asks again while the agent is away. Throws `upgrade.stranded` when it stays away, and what else the agent says. */
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

/** `ExecStopPost` is what puts the old agent back when the playbook's own process is killed. */
function unitArguments({ tools, staging }: UnitOrder): string[] {
  const playbooks = `${tools}/playbooks`
  const scratch = '/run/rollcall-upgrade'
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: scratch,
    LC_ALL: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    ANSIBLE_CONFIG: `${playbooks}/ansible.cfg`,
    ANSIBLE_HOME: scratch,
    ANSIBLE_LOCAL_TEMP: `${scratch}/local`,
    ANSIBLE_REMOTE_TEMP: `${scratch}/remote`,
  }
  return [
    '--unit=rollcall-upgrade',
    '--collect',
    '--wait',
    '--pipe',
    '--quiet',
    '--property=RuntimeDirectory=rollcall-upgrade',
    '--property=RuntimeDirectoryMode=0700',
    `--property=ExecStopPost=/usr/bin/env python3 -I ${playbooks}/host/agent_switch.py settle`,
    ...Object.entries(environment).map(([name, value]) => `--setenv=${name}=${value}`),
    '/usr/bin/env',
    'python3',
    '-I',
    `${tools}/ansible`,
    '--inventory',
    'localhost,',
    '--connection',
    'local',
    '--extra-vars',
    'ansible_python_interpreter=/usr/bin/python3',
    '--extra-vars',
    `@${staging}/vars.json`,
    `${playbooks}/upgrade_agent.yml`,
  ]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
