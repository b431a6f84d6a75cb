import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { memoryBlob } from '../blobs/index.ts'
import {
  AgentPrograms,
  type CommandLease,
  type DriveOutcome,
  type Ending,
  type LeasedCommand,
  OutputWriter,
  stepIdOf,
} from '../commands/index.ts'
import { AgentFiles } from '../files/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { HostPulls, ImageDelivery } from '../images/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { CollectionSync } from '../playbooks/index.ts'
import { ToolsService } from '../tools/index.ts'
import type { Instance } from './domain/driven-instance.ts'
import type { OrderedImage, OrderedPlaybook } from './domain/order.ts'
import type { HostArchitecture } from './domain/ordered-images.ts'
import { toStepEnding, toStepTasks } from './domain/step-answer.ts'
import { InstanceOrders } from './instance-orders.ts'
import { InstancesRepository } from './instances.repository.ts'
import type { StepRequest } from './step-run.ts'

const ORDERS = '/var/lib/rollcall-services/orders'
/** Images may be pulled in the preparation, playbooks run, and programs take their time to stop. */
const PROGRAM_TIMEOUT_S = 1500
/** An agent that is being upgraded is back by then. */
const SILENT_FOR_MS = 150_000
/** Progress of an image is written to the log at most this often. */
const PROGRESS_EVERY_MS = 2000

/** A step while this server drives it. */
interface StepDrive extends StepRequest {
  command: LeasedCommand
  instance: Instance
  log: OutputWriter
  signal: AbortSignal
}

/**
 * Does one step of an instance through the agent of its host: brings what it needs, then runs the host program under the id of the command,
 * so that a server that takes over finds the same program. The log of the step is the output of the command.
 */
@Injectable()
export class InstanceStepDriver {
  constructor(
    private readonly instances: InstancesRepository,
    private readonly orders: InstanceOrders,
    private readonly hosts: HostsRepository,
    private readonly agents: AgentsService,
    private readonly files: AgentFiles,
    private readonly tools: ToolsService,
    private readonly images: ImageDelivery,
    private readonly pulls: HostPulls,
    private readonly collections: CollectionSync,
    private readonly clock: Clock,
  ) {}

  /** Drives a step to its end. Throws what stopped it before that: another server, or this one later, goes on. */
  async drive(command: LeasedCommand, lease: CommandLease, request: StepRequest): Promise<DriveOutcome> {
    const log = new OutputWriter(lease)
    const signal = AbortSignal.any([lease.stopped, AbortSignal.timeout(command.timeoutMs)])
    if (lease.cancelled.aborted && command.outputBytes === 0) return { do: 'end', ending: CANCELLED }
    await lease.report({ kind: 'running' })
    if (command.outputBytes > 0) await log.line('The server was restarted in the middle: going on.')
    const ending = await this.attempt({ ...request, command, log, signal }).catch((error) => {
      lease.stopped.throwIfAborted()
      return toFailure(error, signal)
    })
    await log.line(ending.reason ?? 'Done.')
    await log.flush()
    return { do: 'end', ending, isSpooled: ending.exitCode !== undefined }
  }

  private async attempt(drive: Omit<StepDrive, 'instance'>): Promise<Ending> {
    const found = await this.instances.find(drive.instanceId)
    if (!found) return { state: 'cancelled', reason: 'The instance is gone.' }
    const { instance } = found
    if (instance.generation !== drive.generation)
      return { state: 'cancelled', reason: `Generation ${instance.generation} was ordered meanwhile.` }
    await drive.log.line(`${drive.step} ${instance.name}, generation ${drive.generation}`)
    const args = await this.toArguments({ ...drive, instance })
    const { path } = await this.tools.ensure(drive.command.hostId, drive.signal)
    return this.run(drive, ['-I', `${path}/playbooks/host`, 'service', drive.step, ...args])
  }

  private async run(
    { command, step, log, signal }: Omit<StepDrive, 'instance'>,
    args: string[],
  ): Promise<Ending> {
    const host = { id: command.hostId, signal, silentForMs: SILENT_FOR_MS }
    const program = { id: command.id, command: 'python3', args, timeoutS: PROGRAM_TIMEOUT_S }
    const ended = await new AgentPrograms(this.agents, this.clock, host).runSpooled(program)
    for (const task of toStepTasks(ended)) await log.line(task)
    return toStepEnding(step, ended)
  }

  private async toArguments(drive: StepDrive): Promise<string[]> {
    const { step, instance, generation } = drive
    if (step === 'prepare') return [await this.bringOrder(drive)]
    const target = [instance.id, `${generation}`]
    if (step !== 'remove') return target
    const volumes = await this.instances.removedVolumes(instance.serviceId)
    return volumes.length > 0 ? [...target, '--with-volumes', ...volumes] : target
  }

  /** Brings images and the order to the host. Returns where the order is, which the host removes once it was taken. */
  private async bringOrder(drive: StepDrive): Promise<string> {
    const { command, instance, generation, log, signal } = drive
    const host = await this.hosts.find(command.hostId)
    const architecture = host?.agent?.architecture === 'arm64' ? 'arm64' : 'amd64'
    const { order, images } = await this.orders.make(instance, architecture)
    const isPulled = ({ source }: OrderedImage) => source === 'host'
    for (const image of images) if (!isPulled(image)) await this.bringImage(drive, image, architecture)
    await this.pulls.ensure(command.hostId, images.filter(isPulled), signal, (line) => log.line(line))
    if (order.playbook) await this.bringPlaybook(drive, order.playbook)
    const destination = `${ORDERS}/${instance.id}-${generation}.json`
    await this.files.upload(
      command.hostId,
      {
        source: { blob: await memoryBlob(Buffer.from(JSON.stringify(order))) },
        destination,
        mode: 0o600,
        owner: 'root:root',
        makeParents: true,
        transferId: stepIdOf(command.id, `order/${this.clock.now().getTime()}`),
      },
      signal,
    )
    await log.line('The order is on the host.')
    return destination
  }

  private async bringPlaybook(
    { command, log, signal }: StepDrive,
    { name, collection }: OrderedPlaybook,
  ): Promise<void> {
    if (collection) await this.collections.ensure(command.hostId, collection, signal)
    await log.line(`The playbook ${name} is on the host.`)
  }

  private async bringImage(
    drive: StepDrive,
    image: OrderedImage,
    architecture: HostArchitecture,
  ): Promise<void> {
    const { command, log, signal } = drive
    let publishedAt = this.clock.now().getTime()
    const onProgress = (bytes: number, total: number) => {
      const now = this.clock.now().getTime()
      if (now - publishedAt < PROGRESS_EVERY_MS) return
      publishedAt = now
      // A log that cannot be stored ends the step at its next line.
      log.line(`${image.ref}: ${bytes} of ${total} bytes`).catch(() => undefined)
    }
    const { sentBytes } = await this.images.ensure(
      command.hostId,
      { ...image, architecture },
      signal,
      onProgress,
    )
    await log.line(
      sentBytes === 0 ? `${image.ref} is there already.` : `${image.ref}: ${sentBytes} bytes sent.`,
    )
  }
}

const CANCELLED: Ending = {
  state: 'cancelled',
  reason: 'It was cancelled before anything was done on the host.',
}

function toFailure(error: unknown, signal: AbortSignal): Ending {
  if (signal.aborted)
    return {
      state: 'timed_out',
      reasonCode: 'command.unanswered',
      reason: 'The step took too long, and its state on the host is unknown. It is safe to repeat.',
    }
  if (!(error instanceof RollcallError) || error.kind === 'defect') throw error
  return { state: 'failed', reasonCode: error.code, reason: error.message }
}
