import { Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type AnsibleJob, ansibleJob, type CollectionVersion } from '@rollcall/contracts/agent'
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
import type { PlaybookWork } from './domain/playbook-request.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'
import { SshPlaybooks } from './ssh-playbooks.ts'

const EXIT_PLAN_OUTDATED = 72
/** Bounds the output that is read for events: the callback ends at 1 MiB of them, and little else is printed. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024
/** An agent that takes longer counts as silent where there is another transport. */
const ANSWER_WITHIN_MS = 5000
/** Grace beyond the playbook's limit, in which the server ends it before the host does. */
const SPARE_S = 60

/** Runs a playbook on a host, through its agent or over SSH, and stores the results of its tasks. */
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
    if (!work) throw new RollcallError('server.defect', `command ${command.id} is a playbook without a job`)
    const job = toJob(work)
    const complete = (ending: Ending) => this.end(command.id, work, ending)
    const timeout = command.timeoutMs / 1000
    if ((await this.chooseTransport(command, work, lease.stopped)) === 'ssh')
      return this.ssh.drive(command, lease, { ...job, timeout: timeout + SPARE_S }, complete)
    const agentWork: AgentWork = {
      start: async () => ({
        method: 'execute_ansible',
        params: {
          ...job,
          command_id: command.id,
          tools_version: await this.toolsOf(command, work, job.collection, lease.stopped),
          nonce: work.nonce,
          timeout,
        },
      }),
      end: complete,
    }
    return this.agent.driveWith(command, lease, agentWork)
  }

  /** Reads the results that the output has so far. */
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
      // An agent that refuses us is not silent: a person has to see what is wrong with it.
      return error.kind === 'unavailable' ? 'ssh' : 'agent'
    }
  }

  private async toolsOf(
    command: LeasedCommand,
    work: PlaybookWork,
    collection: CollectionVersion | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    if (work.toolsVersion !== null) return work.toolsVersion
    if (collection) await this.collections.ensure(command.hostId, collection, signal)
    const { version } = await this.tools.ensure(command.hostId, signal)
    return this.playbooks.storeTools(command.id, version)
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

/** Returns the job for the host, whichever transport brings it. */
function toJob(work: PlaybookWork): AnsibleJob {
  const [name = '', file] = work.playbook.split('/')
  const isAdded = work.version !== null && file !== undefined
  return ansibleJob.parse({
    playbook: `${isAdded ? file : work.playbook}.yml`,
    ...(isAdded && { collection: { name, version: work.version } }),
    extra_vars: work.variables,
    nonce: work.nonce,
    check: work.mode === 'plan',
    diff: work.isDiff || work.mode !== 'run',
    expected_digest: work.expectedDigest,
  })
}
