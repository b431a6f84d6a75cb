import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { SecretsService } from '../secrets/index.ts'
import type { Instance } from './domain/driven-instance.ts'
import type { OrderedImage } from './domain/order.ts'
import type { ContainerImage, ServiceRevision } from './domain/service.ts'
import { toOrder } from './domain/to-order.ts'
import { InstancePortsRepository } from './instance-ports.repository.ts'
import { RevisionsRepository } from './revisions.repository.ts'

export type HostArchitecture = 'amd64' | 'arm64'

/** An order, and the images that the server has to bring for it. */
export interface MadeOrder {
  order: ReturnType<typeof toOrder>
  images: readonly OrderedImage[]
}

/** Makes orders for instances from what was applied: the revision, the ports that were chosen, and secrets in their versions of then. */
@Injectable()
export class InstanceOrders {
  constructor(
    private readonly revisions: RevisionsRepository,
    private readonly ports: InstancePortsRepository,
    private readonly secrets: SecretsService,
  ) {}

  /** Makes the newest order of an instance. Throws `image.architecture`, `image.not_found`, `secret.not_found`, and what `toOrder` throws. */
  async make(instance: Instance, architecture: HostArchitecture): Promise<MadeOrder> {
    const revision = (await this.revisions.open([instance.revisionId])).get(instance.revisionId)
    if (!revision) throw new RollcallError('server.defect', `there is no revision ${instance.revisionId}`)
    const { definition } = revision
    const images = new Map(revision.images.map((image) => [image.container, toOrdered(image, architecture)]))
    const order = toOrder({
      project: definition.project,
      group: definition.group,
      instance,
      revision: revision.digest,
      images,
      ports: await this.ports.of(instance.id, instance.generation),
      volumes: new Map(definition.volumes.map(({ name, ...volume }) => [name, volume])),
      secrets: await this.open(revision),
      configs: [...definition.configs],
      ...(definition.playbook && { playbook: definition.playbook }),
    })
    return { order, images: unique([...images.values()]) }
  }

  private async open({ secrets }: ServiceRevision): Promise<Map<string, Buffer>> {
    const opened = new Map<string, Buffer>()
    for (const [name, { version }] of Object.entries(secrets))
      opened.set(name, await this.secrets.open(name, version))
    return opened
  }
}

/** Chooses the manifest for an architecture. Throws `image.architecture` and `image.not_found`. */
function toOrdered(
  { ref, digest, source, variants }: ContainerImage,
  architecture: HostArchitecture,
): OrderedImage {
  const variant = variants.find((one) => one.architecture === architecture)
  if (variant) return { ref, digest: variant.digest, source }
  if (variants.length > 0)
    throw new RollcallError(
      'image.architecture',
      `The image ${ref} is for ${variants.map((one) => one.architecture).join(' and ')}, and the host is ${architecture}.`,
    )
  if (digest !== null && source === 'host') return { ref, digest, source }
  throw new RollcallError(
    'image.not_found',
    `What ${ref} stands for is not known to the server. Name it by its digest (${ref}@sha256:…), or have the server pull it: rollcall image pull ${ref}`,
  )
}

const unique = (images: readonly OrderedImage[]) => [
  ...new Map(images.map((image) => [image.digest, image])).values(),
]
