import { Injectable } from '@nestjs/common'
import { formatImageRef, type ImageRef, RETRY_POLICIES } from '@rollcall/contracts'
import { Clock } from '../../platform/clock/clock.ts'
import { parseConfig, parseManifest, toBlob, toVariant } from '../domain/manifest.ts'
import { type RegistryPlace, toPlaces } from '../domain/registry.ts'
import type { RegistryImage } from '../domain/registry-image.ts'
import { RegistriesRepository } from '../registries.repository.ts'
import { type FetchedManifest, RegistryClient } from './registry-client.ts'
import { RegistryHttp } from './registry-http.ts'
import { askInOrder, fetchManifests } from './registry-manifests.ts'

/** An answer holds for so long: an editor plans a file many times in a minute. */
const KEEP_MS = 60_000
/** And what a registry did not say or refused, so long: by then its settings may be right. */
const KEEP_FAILED_MS = 5000
const MAX_KEPT = 1000

interface Answer {
  until: number
  answer: Promise<RegistryImage>
}

/** Asks registries what references stand for, without fetching layers. */
@Injectable()
export class RegistryResolver {
  private readonly answers = new Map<string, Answer>()

  constructor(
    private readonly registries: RegistriesRepository,
    private readonly http: RegistryHttp,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves a reference: by the first mirror that has it, or by its registry. Questions of the last minute are not asked again. Throws
   * `image.not_found`, `image.refused`, `image.architecture`, `registry.*`, or the signal's reason.
   */
  async resolve(ref: ImageRef, signal: AbortSignal): Promise<RegistryImage> {
    const now = this.clock.now().getTime()
    const key = formatImageRef(ref)
    const known = this.answers.get(key)
    if (known && now < known.until) return known.answer
    const kept: Answer = { until: now + KEEP_MS, answer: this.ask(ref, signal) }
    this.keep(key, kept, now)
    kept.answer.catch(() => {
      kept.until = now + KEEP_FAILED_MS
    })
    return kept.answer
  }

  /** Forgets what registries have said, since they are reached in another way by now. */
  forget(): void {
    this.answers.clear()
  }

  private keep(key: string, answer: Answer, now: number): void {
    for (const [old, { until }] of this.answers) if (now >= until) this.answers.delete(old)
    const [oldest] = this.answers.keys()
    if (this.answers.size >= MAX_KEPT && oldest !== undefined) this.answers.delete(oldest)
    this.answers.set(key, answer)
  }

  private async ask({ repository, tag, digest }: ImageRef, signal: AbortSignal): Promise<RegistryImage> {
    const settings = new Map((await this.registries.list()).map((each) => [each.host, each]))
    const places = toPlaces(repository, (host) => settings.get(host))
    return askInOrder(places, signal, (place) => this.askAt(place, digest ?? tag ?? 'latest', signal))
  }

  private async askAt(place: RegistryPlace, reference: string, signal: AbortSignal): Promise<RegistryImage> {
    const client = new RegistryClient(place, this.http, signal, RETRY_POLICIES.registryQuestion)
    const top = await client.fetchManifest(reference)
    const manifests = await fetchManifests(client, place, top)
    const variants = await Promise.all(manifests.map((manifest) => toRegistryVariant(client, manifest)))
    return { digest: top.descriptor.digest, variants }
  }
}

async function toRegistryVariant(client: RegistryClient, { descriptor, data }: FetchedManifest) {
  const manifest = parseManifest(data)
  const config = parseConfig(await client.fetchSmallBlob(toBlob(manifest.config)))
  const { architecture, digest, bytes } = toVariant(descriptor, manifest, config)
  return { architecture, digest, bytes }
}
