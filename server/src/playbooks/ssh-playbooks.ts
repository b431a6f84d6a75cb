import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
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
import { CollectionSync, type CollectionVersion } from './collection-sync.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'

/** What is printed beyond is counted: a program that prints without end fills nobody's disk. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
/** On as many hosts one server runs something over SSH; others wait and are tried again. */
const MAX_CONCURRENT = 200
/** Beyond the playbook's own limit, until a host that does not say how it has ended counts as gone. */
const LATE_MS = 60_000

/** What `run_playbook.py` is to do on a host. */
interface HostOrder {
  playbook: string
  /** Where the playbook is on the host; null for the tools' own. */
  project: string | null
  variables: Record<string, unknown>
  nonce: string
  check: boolean
  diff: boolean
  expected: string | null
  /** After so long it ends by itself, also where it cannot be told to. */
  seconds: number
}

export interface SshOrder {
  toHost: HostOrder
  /** What the playbook is of, where users have added it. */
  collection: CollectionVersion | null
}

interface Ready {
  session: SshSession
  /** Of the tools, on the host. */
  folder: string
}

interface Work {
  command: LeasedCommand
  lease: CommandLease
  order: SshOrder
}

/**
 * Runs a playbook over SSH: the same tools, program and output as through the agent. It hangs on this server's connection, whose end
 * the host takes for the wish to end the playbook. How it ended after that nobody is told, so it counts as lost.
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

  /** `complete` adds to how it ended what its output says, once all of that is stored. Throws what may pass before it was begun. */
  async drive(
    command: LeasedCommand,
    lease: CommandLease,
    order: SshOrder,
    complete: (ending: Ending) => Promise<Ending>,
  ): Promise<DriveOutcome> {
    // It is noted as running before it is begun: so a pending one was not, and a running one had a server that is gone.
    if (command.state === 'running') return { do: 'end', ending: await complete(ENDED_WITH_SERVER) }
    if (nextStep(command, this.clock.now()).do !== 'start')
      return { do: 'end', ending: endingOfUnstarted(command) }
    this.active++
    try {
      return await this.attempt({ command, lease, order }, complete)
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
    return { do: 'end', ending: await complete(await attend(ready, work)) }
  }

  private async prepare({ command: { id, hostId }, lease, order }: Work): Promise<Ready> {
    if (this.active > MAX_CONCURRENT)
      throw new RollcallError(
        'server.overloaded',
        `This server runs playbooks over SSH on ${MAX_CONCURRENT} hosts at the moment, and this one waits for its turn.`,
      )
    const signal = AbortSignal.any([lease.stopped, lease.cancelled])
    const session = await this.provisioning.connect(hostId, lease.stopped)
    try {
      const folder = await this.tools.ensure(session, signal)
      if (order.collection) await this.collections.ensureOverSsh(session, folder, order.collection, signal)
      signal.throwIfAborted()
      await this.playbooks.fixTransport(id, 'ssh')
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

async function attend({ session, folder }: Ready, { command, lease, order }: Work): Promise<Ending> {
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
      ['python3', `${folder}/playbooks/host/run_playbook.py`, '-', '--login', '--while-stdin'],
      {
        becomeRoot: true,
        signal: lease.stopped,
        timeoutMs: command.timeoutMs + LATE_MS,
        onOutput,
        // By standard input: what is secret in it is in no argv and no file but the one that Ansible reads.
        stdin: `${JSON.stringify(order.toHost)}\n`,
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
