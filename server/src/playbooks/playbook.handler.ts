import { Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { collectionFolder, playbookVariables } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import {
  AgentCommandHandler,
  type AgentWork,
  type CommandHandler,
  type CommandLease,
  CommandWorker,
  type DriveOutcome,
  type Ending,
  type LeasedCommand,
  OutputReader,
} from '../commands/index.ts'
import { ToolsService } from '../tools/index.ts'
import { CollectionSync } from './collection-sync.ts'
import { failureOf, type PlaybookOutcome, readEvents } from './domain/playbook-events.ts'
import { PlaybooksRepository, type PlaybookWork } from './playbooks.repository.ts'
import { type SshOrder, SshPlaybooks } from './ssh-playbooks.ts'

const EXIT_PLAN_OUTDATED = 72
/** The callback ends at 1 MiB of events; what else is printed is a warning here and there. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024
/** An agent that takes longer counts as silent where there is another transport. */
const ANSWER_WITHIN_MS = 5000
/** Beyond its limit, for the server to end it. */
const SPARE_S = 60

/** Runs a playbook on a host, through its agent or over SSH, and keeps what became of its tasks. */
@Injectable()
export class PlaybookHandler implements CommandHandler, OnModuleInit {
  constructor(
    private readonly worker: CommandWorker,
    private readonly agent: AgentCommandHandler,
    private readonly agents: AgentsService,
    private readonly ssh: SshPlaybooks,
    private readonly outputs: OutputReader,
    private readonly tools: ToolsService,
    private readonly collections: CollectionSync,
    private readonly playbooks: PlaybooksRepository,
  ) {}

  onModuleInit() {
    this.worker.register('playbook', this)
  }

  async drive(command: LeasedCommand, lease: CommandLease): Promise<DriveOutcome> {
    const work = await this.playbooks.work(command.id, command.runId)
    if (!work)
      throw new RollcallError('server.defect', `command ${command.id} is a playbook without an order`)
    const complete = (ending: Ending) => this.end(command.id, work, ending)
    if ((await this.chooseTransport(command, work, lease.stopped)) === 'ssh')
      return this.ssh.drive(command, lease, sshOrderOf(command, work), complete)
    const agentWork: AgentWork = {
      start: async () => ({
        method: 'execute_ansible',
        params: toParams(command, work, await this.toolsOf(command, work, lease.stopped)),
      }),
      end: complete,
    }
    return this.agent.driveWith(command, lease, agentWork)
  }

  /** What is known so far; of one that runs, what its output says. */
  async outcome(commandId: string, work: PlaybookWork): Promise<PlaybookOutcome> {
    return readEvents(await this.outputs.readText(commandId, 'stdout', MAX_OUTPUT_BYTES), work.nonce)
  }

  /** Chooses the transport, again at each attempt until one of them may have started the playbook. */
  private async chooseTransport(
    { hostId }: LeasedCommand,
    { transport, requestedTransport }: PlaybookWork,
    stopped: AbortSignal,
  ): Promise<'agent' | 'ssh'> {
    if (transport !== null) return transport
    if (requestedTransport !== 'auto') return requestedTransport
    const late = AbortSignal.timeout(ANSWER_WITHIN_MS)
    try {
      const signal = AbortSignal.any([stopped, late])
      await this.agents.call(hostId, 'health_check', {}, { signal, retry: 'never' })
      return 'agent'
    } catch (error) {
      stopped.throwIfAborted()
      if (late.aborted) return 'ssh'
      if (!(error instanceof RollcallError)) throw error
      // One that refuses us is not silent: what is wrong with it is for a person to see.
      return error.kind === 'unavailable' ? 'ssh' : 'agent'
    }
  }

  private async toolsOf(command: LeasedCommand, work: PlaybookWork, signal: AbortSignal): Promise<string> {
    if (work.toolsVersion !== null) return work.toolsVersion
    const { collection } = ownOf(work)
    if (collection) await this.collections.ensure(command.hostId, collection, signal)
    const { version } = await this.tools.ensure(command.hostId, signal)
    return this.playbooks.fixTools(command.id, version)
  }

  private async end(commandId: string, work: PlaybookWork, ending: Ending): Promise<Ending> {
    const outcome = await this.outcome(commandId, work)
    await this.playbooks.storeOutcome(commandId, outcome)
    if (ending.state !== 'failed') return ending
    if (ending.exitCode === EXIT_PLAN_OUTDATED && outcome.isOutdated)
      return {
        ...ending,
        reasonCode: 'playbook.plan_outdated',
        reason:
          'The host would now be changed otherwise than the plan says, so nothing was changed. Plan it again and look at what is different.',
      }
    const failure = failureOf(outcome)
    return failure === null ? ending : { ...ending, reasonCode: 'playbook.task_failed', reason: failure }
  }
}

/** The file, and the collection that it is of where users have added it. */
function ownOf({ playbook, version }: PlaybookWork) {
  const [name = '', file] = playbook.split('/')
  if (version === null || file === undefined) return { playbook: `${playbook}.yml` }
  return { playbook: `${file}.yml`, collection: { name, version } }
}

/** The same as `toParams`, in the words of the program that the agent would start. */
function sshOrderOf({ timeoutMs }: LeasedCommand, work: PlaybookWork): SshOrder {
  const { playbook, collection } = ownOf(work)
  const toHost = {
    playbook,
    project: collection ? collectionFolder(collection) : null,
    variables: work.variables,
    nonce: work.nonce,
    check: work.mode === 'plan',
    diff: work.isDiff || work.mode !== 'run',
    expected: work.expectedDigest,
    seconds: timeoutMs / 1000 + SPARE_S,
  }
  return { toHost, collection: collection ?? null }
}

function toParams({ id, timeoutMs }: LeasedCommand, work: PlaybookWork, toolsVersion: string) {
  return {
    command_id: id,
    tools_version: toolsVersion,
    ...ownOf(work),
    extra_vars: playbookVariables.parse(work.variables),
    nonce: work.nonce,
    check: work.mode === 'plan',
    diff: work.isDiff || work.mode !== 'run',
    expected_digest: work.expectedDigest,
    timeout: timeoutMs / 1000,
  }
}
