import { randomUUID } from 'node:crypto'
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { parseImageRef, RollcallError } from '@rollcall/contracts'
import { memoryBlob } from '../blobs/index.ts'
import { AgentFiles } from '../files/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { type PulledImage, parseMissing, parsePulled, toPullRequest } from './domain/host-answers.ts'
import { HOST_IMAGES_FOLDER } from './domain/host-layout.ts'
import { toPlaces } from './domain/registry.ts'
import { HostPrograms } from './host-programs.ts'
import { ImagesRepository } from './images.repository.ts'
import { RegistriesRepository } from './registries.repository.ts'
import { RegistrySlotsRepository } from './registry-slots.repository.ts'

/** Hosts that pull from one registry at the same time, of the whole fleet: registries count requests, and break under storms. */
export const MAX_PULLS_PER_REGISTRY = 4
/** How long a host waits before it is asked again whether it is its turn. */
const TURN_PAUSE_MS = 1000
const PULL_TIMEOUT_S = 1260
const LOOK_TIMEOUT_S = 120

/** Has hosts that reach a registry pull images themselves: by digest, a few at once, with passwords in a file that goes before the pull. */
@Injectable()
export class HostPulls implements OnModuleInit {
  constructor(
    private readonly registries: RegistriesRepository,
    private readonly slots: RegistrySlotsRepository,
    private readonly images: ImagesRepository,
    private readonly programs: HostPrograms,
    private readonly files: AgentFiles,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly serverId: string,
  ) {}

  onModuleInit(): Promise<void> {
    return this.slots.releaseAll(this.serverId)
  }

  /**
   * Ensures that podman of a host has images. `say` gets a line for each one that the host pulls. Throws `instance.image_missing` with what
   * each registry answered, and what agents throw.
   */
  async ensure(
    hostId: string,
    images: readonly PulledImage[],
    signal: AbortSignal,
    say: (line: string) => Promise<void>,
  ): Promise<void> {
    if (images.length === 0) return
    const digests = [...new Set(images.map(({ digest }) => digest))]
    const step = { id: randomUUID(), args: ['missing-images', ...digests], timeoutS: LOOK_TIMEOUT_S }
    const answer = await this.programs.run(hostId, step, signal)
    const missing = parseMissing(answer)
    for (const image of images) {
      if (!missing.has(image.digest)) await say(`${image.ref} is there already.`)
      else await this.pull(hostId, image, signal, say)
      await this.images.recordDelivery(image.digest, hostId, this.clock.now())
    }
  }

  private async pull(
    hostId: string,
    image: PulledImage,
    signal: AbortSignal,
    say: (line: string) => Promise<void>,
  ): Promise<void> {
    const parsed = parseImageRef(image.ref)
    if (!parsed) throw new RollcallError('server.defect', 'an image that a host pulls has no valid reference')
    const settings = new Map((await this.registries.list()).map((each) => [each.host, each]))
    const places = toPlaces(parsed.repository, (host) => settings.get(host))
    const id = randomUUID()
    const registries = places.map(({ host }) => host)
    try {
      await this.waitForTurn(id, registries, signal, say)
      const path = `${HOST_IMAGES_FOLDER}/pulls/${id}.json`
      const request = Buffer.from(JSON.stringify(toPullRequest(image, places)))
      await this.files.upload(
        hostId,
        {
          source: { blob: await memoryBlob(request) },
          destination: path,
          mode: 0o600,
          owner: 'root:root',
          makeParents: true,
          transferId: randomUUID(),
        },
        signal,
      )
      const step = { id, args: ['pull-image', path], timeoutS: PULL_TIMEOUT_S }
      const from = parsePulled(await this.programs.run(hostId, step, signal))
      await say(from === null ? `${image.ref} is there already.` : `${image.ref}: pulled from ${from}.`)
    } finally {
      await this.slots.release(id)
    }
  }

  /** Waits until few enough others pull from these registries. */
  private async waitForTurn(
    id: string,
    registries: readonly string[],
    signal: AbortSignal,
    say: (line: string) => Promise<void>,
  ): Promise<void> {
    let hasReported = false
    const turn = { holder: id, serverId: this.serverId }
    while (!(await this.slots.acquire(registries, MAX_PULLS_PER_REGISTRY, turn))) {
      signal.throwIfAborted()
      if (!hasReported)
        await say(
          `${MAX_PULLS_PER_REGISTRY} hosts pull from ${[...new Set(registries)].join(' or ')} already; waiting.`,
        )
      hasReported = true
      await this.clock.sleep(TURN_PAUSE_MS, signal)
    }
  }
}
