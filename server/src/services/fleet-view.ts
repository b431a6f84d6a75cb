import { Injectable } from '@nestjs/common'
import type { HostScope } from '../access/index.ts'
import { CapacitiesRepository } from '../heartbeats/index.ts'
import { ImagesService } from '../images/index.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { PlacementHost } from './domain/placement/view.ts'
import { toPlacementHost } from './domain/plan/placement-host.ts'
import type { ContainerImage } from './domain/service.ts'
import { ServicesRepository } from './services.repository.ts'

/** The fleet as placement sees it. */
@Injectable()
export class FleetView {
  constructor(
    private readonly capacities: CapacitiesRepository,
    private readonly services: ServicesRepository,
    private readonly images: ImagesService,
  ) {}

  /** Reads the hosts of a scope, with what is on them. An image is on a host that has its manifest for any architecture. */
  async read(
    scope: HostScope,
    images: readonly Pick<ContainerImage, 'digest' | 'variants'>[],
    now: Date,
    sql?: Sql,
  ): Promise<PlacementHost[]> {
    const hosts = await this.capacities.list(scope, now, sql)
    const uses = await this.services.hostUses(sql)
    const onHosts = await this.images.onHosts()
    const imagesOf = new Map<string, string[]>()
    for (const { digest, variants } of uniqueByDigest(images))
      for (const hostId of new Set(variants.flatMap((variant) => [...(onHosts.get(variant.digest) ?? [])])))
        imagesOf.set(hostId, [...(imagesOf.get(hostId) ?? []), digest])
    return hosts.map((host) => {
      const use = uses.get(host.id)
      return toPlacementHost(host, {
        instances: use?.instances ?? 0,
        reserved: use?.reserved ?? { milliCpus: 0, memoryBytes: 0 },
        ports: use?.ports ?? [],
        images: imagesOf.get(host.id) ?? [],
      })
    })
  }
}

function uniqueByDigest(images: readonly Pick<ContainerImage, 'digest' | 'variants'>[]) {
  const all = images.flatMap(({ digest, variants }) => (digest === null ? [] : [{ digest, variants }]))
  return new Map(all.map((image) => [image.digest, image])).values()
}
