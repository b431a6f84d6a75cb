import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Clock } from '../platform/clock/clock.ts'
import { MAX_REMOVALS, parseRemoved } from './domain/host-answers.ts'
import { HostPrograms } from './host-programs.ts'
import { ImageDelivery } from './image-delivery.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesRepository } from './images.repository.ts'
import { toName } from './images.service.ts'

/** The most images that a host loses at once. */
const MAX_PRUNED = 500
const HOUR_MS = 3600_000
const STEP_TIMEOUT_S = 600

/** The result of removing what a host does not need. */
interface Pruned {
  removed: { digest: string; name: string | null }[]
  kept: { digest: string; name: string | null; why: string }[]
}

/** Removes images from hosts that nothing there needs. */
@Injectable()
export class HostImages {
  constructor(
    private readonly images: ImagesRepository,
    private readonly uses: ImageUses,
    private readonly delivery: ImageDelivery,
    private readonly programs: HostPrograms,
    private readonly clock: Clock,
  ) {}

  /**
   * Removes what came to a host at least `olderThanHours` ago and nothing there needs: the host keeps what an instance or a container uses,
   * whatever it is told. Throws `instance.step_failed` with what the host says, and what agents throw.
   */
  prune(hostId: string, olderThanHours: number, signal: AbortSignal): Promise<Pruned> {
    return this.delivery.oneAtATime(hostId, signal, async () => {
      const before = new Date(this.clock.now().getTime() - olderThanHours * HOUR_MS)
      const needed = await this.uses.neededOn(hostId)
      const delivered = await this.images.deliveredTo(hostId, before)
      const unused = delivered.filter((digest) => !needed.has(digest)).slice(0, MAX_PRUNED)
      const pruned: Pruned = { removed: [], kept: [] }
      for (let at = 0; at < unused.length; at += MAX_REMOVALS)
        await this.remove(hostId, unused.slice(at, at + MAX_REMOVALS), pruned, signal)
      return pruned
    })
  }

  private async remove(
    hostId: string,
    digests: readonly string[],
    pruned: Pruned,
    signal: AbortSignal,
  ): Promise<void> {
    const step = { id: randomUUID(), args: ['remove-images', ...digests], timeoutS: STEP_TIMEOUT_S }
    const { removed, kept } = parseRemoved(await this.programs.run(hostId, step, signal), digests)
    await this.images.forgetDeliveries(hostId, removed)
    for (const digest of removed) pruned.removed.push({ digest, name: await this.nameOf(digest) })
    for (const one of kept) pruned.kept.push({ ...one, name: await this.nameOf(one.digest) })
  }

  /** Returns the name of an image that the server has. */
  private async nameOf(digest: string): Promise<string | null> {
    const [image] = await this.images.byDigest(digest)
    return image ? toName(image) : null
  }
}
