import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { AnsibleJob } from '@rollcall/contracts/agent'
import {
  type CommandLease,
  type DriveOutcome,
  type Ending,
  endingOfUnstarted,
  type LeasedCommand,
  nextStep,
  OutputWriter,
} from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { OutputStream, SshExecResult, SshSession } from '../platform/ssh/index.ts'
import { ProvisioningService } from '../provisioning/index.ts'
import { SshTools } from '../tools/index.ts'
import { CollectionSync } from './collection-sync.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'

/** Bounds the output of a playbook that is stored; the rest is counted. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
/** Bounds the hosts on which one server runs playbooks over SSH at once; others are tried again. */
const MAX_CONCURRENT = 200
/** Grace beyond the playbook's own limit, after which a host that does not report its end counts as gone. */
const LATE_MS = 60_000

interface Ready {
  session: SshSession
  /** The folder of the tools on the host. */
  folder: string
}

interface Work {
  command: LeasedCommand
  lease: CommandLease
  job: AnsibleJob
}

/**
 * Runs a playbook over SSH, with the same tools, program and output as through the agent. When this server's connection ends, the host
 * ends the playbook; its result is then unknown, so it counts as lost.
 */
@Injectable()
export class SshPlaybooks {
  private active = 0

  constructor(
    private readonly provisioning: ProvisioningService,
    private readonly tools: SshTools,
    private readonly collections: CollectionSync,
    private readonly playbooks: PlaybooksRepository,
    private readonly clock: Clock,
  ) {}

  /** Runs the job. `complete` adds to its ending what its output says, once all of that is stored. */
  async drive(
    command: LeasedCommand,
    lease: CommandLease,
    job: AnsibleJob,
    complete: (ending: Ending) => Promise<Ending>,
  ): Promise<DriveOutcome> {
    // The state is stored before the start: a pending one was not started, and a running one had a server that is gone.
    if (command.state === 'running') return { do: 'end', ending: await complete(ENDED_WITH_SERVER) }
    if (nextStep(command, this.clock.now()).do !== 'start')
      return { do: 'end', ending: endingOfUnstarted(command) }
    this.active++
    try {
      return await this.attempt({ command, lease, job }, complete)
    } finally {
      this.active--
    }
  }

  private async attempt(work: Work, complete: (ending: Ending) => Promise<Ending>): Promise<DriveOutcome> {
    const { lease } = work
    let ready: Ready
    try {
      ready = await this.prepare(work)
    } catch (error) {
      lease.stopped.throwIfAborted()
      const ending = endingOfUnprepared(error, lease)
      return ending ? { do: 'end', ending } : { do: 'retry', error, notStarted: true }
    }
    await using _session = ready.session
    await lease.report({ kind: 'running' })
    return { do: 'end', ending: await complete(await execute(ready, work)) }
  }

  private async prepare({ command: { id, hostId }, lease, job }: Work): Promise<Ready> {
    if (this.active > MAX_CONCURRENT)
      throw new RollcallError(
        'server.overloaded',
        `This server runs playbooks over SSH on ${MAX_CONCURRENT} hosts at the moment, and this one waits for its turn.`,
      )
    const signal = AbortSignal.any([lease.stopped, lease.cancelled])
    const session = await this.provisioning.connect(hostId, lease.stopped)
    try {
      const folder = await this.tools.ensure(session, signal)
      if (job.collection) await this.collections.ensureOverSsh(session, folder, job.collection, signal)
      signal.throwIfAborted()
      await this.playbooks.storeTransport(id, 'ssh')
      return { session, folder }
    } catch (error) {
      await session.close()
      throw error
    }
  }
}

/** Decides how a playbook ends that could not be prepared; null where it is to be tried again. */
function endingOfUnprepared(error: unknown, lease: CommandLease): Ending | null {
  if (lease.cancelled.aborted) return { state: 'cancelled', reason: 'Cancelled before it started.' }
  if (error instanceof RollcallError && error.kind === 'rejected')
    return { state: 'failed', reasonCode: error.code, reason: error.message }
  return null
}

async function execute({ session, folder }: Ready, { command, lease, job }: Work): Promise<Ending> {
  const log = new OutputWriter(lease)
  const deadline = AbortSignal.timeout(command.timeoutMs)
  let writtenBytes = 0
  let droppedBytes = 0
  const onOutput = async (stream: OutputStream, data: Buffer) => {
    const kept = data.subarray(0, Math.max(0, MAX_OUTPUT_BYTES - writtenBytes))
    writtenBytes += kept.length
    droppedBytes += data.length - kept.length
    await log.write(stream, kept)
  }
  try {
    const result = await session.exec(
      ['python3', '-I', `${folder}/playbooks/host`, 'run', '-', '--login', '--while-stdin'],
      {
        becomeRoot: true,
        signal: lease.stopped,
        timeoutMs: command.timeoutMs + LATE_MS,
        onOutput,
        // By standard input: what is secret in it is in no argv and no file but the one that Ansible reads.
        stdin: `${JSON.stringify(job)}\n`,
        isStdinHeldOpen: true,
        endInput: AbortSignal.any([lease.cancelled, deadline]),
      },
    )
    await log.flush()
    return { ...endingOf(result, lease.cancelled.aborted, deadline.aborted), droppedBytes }
  } catch (error) {
    lease.stopped.throwIfAborted()
    if (!(error instanceof RollcallError)) throw error
    await log.flush()
    return { ...LOST, reasonCode: error.code, droppedBytes }
  }
}

function endingOf({ exitCode, signal }: SshExecResult, isCancelled: boolean, isTooLate: boolean): Ending {
  const how = { exitCode, signal }
  if (exitCode === 0) return { state: 'success', ...how }
  if (isCancelled) return { state: 'cancelled', ...how, reason: 'It was cancelled.' }
  if (isTooLate) return { state: 'timed_out', ...how, reason: 'It took longer than it may, and was ended.' }
  return { state: 'failed', ...how }
}

const LOST = {
  state: 'lost',
  reason:
    'The host did not say over SSH how the playbook ended: the connection broke, or it did not end when it was told to. Look at the host to see how far it came.',
} as const

const ENDED_WITH_SERVER: Ending = {
  state: 'lost',
  reasonCode: 'command.server_ended',
  reason:
    'The server that ran this over SSH ended, or lost its database, and the host ended the playbook then. Look at the host to see how far it came, and run it again.',
}
