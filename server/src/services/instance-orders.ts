import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { SecretsService } from '../secrets/index.ts'
import type { Instance } from './domain/driven-instance.ts'
import type { OrderedImage } from './domain/order.ts'
import { type HostArchitecture, toOrderedImage, toOrderedImages } from './domain/ordered-images.ts'
import type { ServiceRevision } from './domain/service.ts'
import { toOrder } from './domain/to-order.ts'
import { InstancePortsRepository } from './instance-ports.repository.ts'
import { RevisionsRepository } from './revisions.repository.ts'

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
    const images = new Map(
      revision.images.map((image) => [image.container, toOrderedImage(image, architecture)]),
    )
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
    return { order, images: toOrderedImages(revision.images, architecture) }
  }

  private async open({ secrets }: ServiceRevision): Promise<Map<string, Buffer>> {
    const opened = new Map<string, Buffer>()
    for (const [name, { version }] of Object.entries(secrets))
      opened.set(name, await this.secrets.open(name, version))
    return opened
  }
}
