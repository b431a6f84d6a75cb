import { Injectable } from '@nestjs/common'
import { parseImageRef, RollcallError } from '@rollcall/contracts'
import { ImagesService, type RegistryImage, RegistryResolver } from '../images/index.ts'
import { mapInOrder } from '../platform/map-in-order.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { type AskedImages, chooseHostImage, toNewerNote, toUnknownNote } from './domain/plan/image-choice.ts'
import type { MissingImage } from './domain/plan/plan-faults.ts'
import { type ContainerImage, type ServiceDefinition, toContainers, toImageRef } from './domain/service.ts'
import { ServicesRepository } from './services.repository.ts'

/** Somebody waits for the plan: what registries have not said by then is unknown. */
const ASK_FOR_MS = 5000
const MAX_CONCURRENT_QUESTIONS = 4

/** The rules for references that only a registry can resolve. */
export interface ImageQuestions {
  /** The answers of when the plan was made, for one that is made anew: nothing is asked then. */
  asked: AskedImages | null
  /** True if registries may be asked: not for whoever acts on some hosts only, since they could look into networks by it. */
  mayAsk: boolean
  takesNewer: boolean
}

export interface FoundImages {
  images: ReadonlyMap<string, Omit<ContainerImage, 'container'>>
  missing: readonly MissingImage[]
  asked: AskedImages
  notes: readonly string[]
}

type Found = Awaited<ReturnType<ImagesService['resolve']>> | RollcallError

interface NamedImage {
  service: string
  group: string
  key: string
  ref: string
  tag: string | null
  digest: string | null
  source: ContainerImage['source']
}

/** Hosts pull for one service what the server sends for another. */
export const toImageKey = ({ group }: ServiceDefinition, ref: string): string =>
  group.pull === 'host' ? `${group.name} ${ref}` : ref

/** Finds what the images of a file are: those that the server has, and those that hosts pull. */
@Injectable()
export class PlanImages {
  constructor(
    private readonly images: ImagesService,
    private readonly registries: RegistryResolver,
    private readonly services: ServicesRepository,
  ) {}

  /** Finds images by `toImageKey`. An image that cannot be had is `missing`; a registry that does not answer is a note. */
  async find(
    project: string,
    definitions: readonly ServiceDefinition[],
    questions: ImageQuestions,
    sql?: Sql,
  ): Promise<FoundImages> {
    const named = toNamed(definitions)
    const stored = await this.findStored(named, sql)
    const current = await this.findCurrent(project, named, sql)
    const { answers, refused, notes } = await this.ask(named, stored, questions)
    const images = new Map<string, Omit<ContainerImage, 'container'>>()
    const missing: MissingImage[] = []
    for (const one of named) {
      const { service, ref, source, key } = one
      const found = stored.get(ref) ?? null
      const asked = answers[ref] ?? null
      const own = current.get(key) ?? null
      const refusal = found instanceof RollcallError ? toRefusal(one, found, own ?? asked, refused) : null
      if (refusal !== null) {
        missing.push({ service, ref, code: refusal.code, message: refusal.message })
        continue
      }
      const { digest, variants } =
        source === 'layout' && found !== null && !(found instanceof RollcallError)
          ? found
          : chooseHostImage({
              named: one.digest,
              stored: found instanceof RollcallError ? null : found,
              current: own,
              asked,
              takesNewer: questions.takesNewer,
            })
      images.set(key, { ref, digest, source, variants: variants.map(toVariant) })
      const note = toNewerNote(service, { ref, digest, source }, asked)
      if (note !== null) notes.push(note)
    }
    return { images, missing, asked: answers, notes: [...new Set(notes)] }
  }

  /** Looks references up on the server; an error where it lacks one. */
  private async findStored(named: readonly NamedImage[], sql: Sql | undefined) {
    const found = new Map<string, Found>()
    for (const { ref } of named) {
      if (found.has(ref)) continue
      try {
        found.set(ref, await this.images.resolve(ref, sql))
      } catch (error) {
        if (!(error instanceof RollcallError) || error.kind !== 'rejected') throw error
        found.set(ref, error)
      }
    }
    return found
  }

  /** Finds what services have by now of images that hosts pull. */
  private async findCurrent(project: string, named: readonly NamedImage[], sql: Sql | undefined) {
    const current = new Map<string, ContainerImage>()
    if (!named.some(({ source }) => source === 'host')) return current
    for (const { name, wanted, images } of await this.services.list(project, null, sql))
      for (const image of wanted === 'gone' ? [] : images)
        if (image.source === 'host' && image.digest !== null) current.set(`${name} ${image.ref}`, image)
    return current
  }

  private async ask(
    named: readonly NamedImage[],
    stored: ReadonlyMap<string, Found>,
    { asked, mayAsk }: ImageQuestions,
  ) {
    const refused = new Map<string, RollcallError>()
    const notes: string[] = []
    if (asked !== null) return { answers: asked, refused, notes }
    const refs = [...new Set(named.filter((one) => isAsked(one, stored.get(one.ref))).map(({ ref }) => ref))]
    const answers: Record<string, RegistryImage | null> = Object.fromEntries(refs.map((ref) => [ref, null]))
    const why = 'you act on some hosts only, and registries are asked for those who act on all'
    if (!mayAsk) return { answers, refused, notes: toList(toUnknownNote(refs, why)) }
    const silent: string[] = []
    const signal = AbortSignal.timeout(ASK_FOR_MS)
    const asking = mapInOrder(refs, MAX_CONCURRENT_QUESTIONS, async (ref) => {
      const answer = await this.askOne(ref, signal)
      if (answer instanceof RollcallError) refused.set(ref, answer)
      else if (answer === null) silent.push(ref)
      else answers[ref] = answer
    })
    for await (const _asked of asking);
    notes.push(...toList(toUnknownNote(silent, 'the registry does not answer')))
    for (const [ref, { message }] of refused) notes.push(...toList(toUnknownNote([ref], message)))
    return { answers, refused, notes }
  }

  /** Returns what a registry says or why it refuses; null where it does not answer. */
  private async askOne(ref: string, signal: AbortSignal): Promise<RegistryImage | RollcallError | null> {
    const parsed = parseImageRef(ref)
    if (!parsed || signal.aborted) return null
    try {
      return await this.registries.resolve(parsed, signal)
    } catch (error) {
      if (error instanceof RollcallError) return error.kind === 'rejected' ? error : null
      if (signal.aborted) return null
      throw error
    }
  }
}

/** Tells whether a registry may know something newer than what is known of an image, or is the only one to know it. */
function isAsked({ digest, source }: NamedImage, found: Found | undefined): boolean {
  if (found === undefined || found instanceof RollcallError) return source === 'host'
  return digest === null && (source === 'host' || found.source === 'registry')
}

/** Returns why an image that the server does not have cannot be had; null for one that hosts can pull. */
function toRefusal(
  { source, ref, digest }: NamedImage,
  lack: RollcallError,
  known: object | null,
  refused: ReadonlyMap<string, RollcallError>,
): RollcallError | null {
  if (source === 'layout' || lack.code !== 'image.not_found') return lack
  return known === null && digest === null ? (refused.get(ref) ?? null) : null
}

const toList = (note: string | null) => (note === null ? [] : [note])

/** Lists the images of a file, each once for a group whose hosts pull it. */
function toNamed(definitions: readonly ServiceDefinition[]): NamedImage[] {
  const named = definitions.flatMap((definition) =>
    toContainers(definition.group).map(({ name, container }): NamedImage => {
      const ref = toImageRef(container.image)
      const { tag, digest } = container.image
      const source = definition.group.pull === 'host' ? 'host' : 'layout'
      const key = toImageKey(definition, ref)
      return { service: name, group: definition.group.name, key, ref, tag, digest, source }
    }),
  )
  return [...new Map(named.toReversed().map((one) => [one.key, one])).values()].toReversed()
}

const toVariant = ({ architecture, digest, bytes }: ContainerImage['variants'][number]) => ({
  architecture,
  digest,
  bytes,
})
