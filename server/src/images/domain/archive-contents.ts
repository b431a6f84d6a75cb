import { formatImageRef, type ImageRef, parseImageRef, parseJson, sanitizeText } from '@rollcall/contracts'
import { z } from 'zod'
import { type ImageIndex, imageRefused } from './manifest.ts'

/** A file of an archive, whose content is stored. */
export interface ArchiveFile {
  sha256: string
  bytes: number
}

/** The files of an archive by path; links are followed. */
export class ArchiveContents {
  private readonly files = new Map<string, ArchiveFile>()
  private readonly links = new Map<string, string>()

  addFile(path: string, file: ArchiveFile): void {
    const [, named] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path) ?? []
    if (named !== undefined && named !== file.sha256)
      throw imageRefused(`the content of ${path} is not that: its hash is ${file.sha256}`)
    this.files.set(path, file)
  }

  addLink(path: string, target: string): void {
    this.links.set(path, target)
  }

  /** Returns a file, if need be by one link. */
  find(path: string): ArchiveFile | undefined {
    const plain = path.replace(/^\.\//, '')
    const target = this.links.get(plain)
    return this.files.get(target ?? plain)
  }

  /** Returns a file. Throws `image.refused` if it is missing. */
  require(path: string): ArchiveFile {
    const file = this.find(path)
    if (file) return file
    throw imageRefused(`the archive lacks ${sanitizeText(path, 200)}, which it names`)
  }

  /** Returns a blob of an OCI layout. Throws `image.refused` if it is missing. */
  requireBlob({ digest, size }: { digest: string; size: number }): ArchiveFile {
    const file = this.require(toBlobPath(digest))
    if (file.bytes === size) return file
    throw imageRefused(`the blob ${digest} has ${file.bytes} bytes, and ${size} where it is named`)
  }

  hasBlob(digest: string): boolean {
    return this.find(toBlobPath(digest)) !== undefined
  }
}

const toBlobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`

const MAX_IMAGES = 50
const MAX_TAGS = 50
const memberPath = z.string().min(1).max(4000)
const dockerManifest = z
  .array(
    z.object({
      Config: memberPath,
      RepoTags: z.array(z.string()).max(MAX_TAGS).nullish(),
      Layers: z.array(memberPath).max(200),
    }),
  )
  .min(1)
  .max(MAX_IMAGES)
export type DockerImages = z.infer<typeof dockerManifest>

/** Parses the `manifest.json` of "docker save". Throws `image.refused`. */
export function parseDockerManifest(bytes: Buffer): DockerImages {
  const parsed = parseJson(dockerManifest, bytes.toString('utf8'))
  if (parsed) return parsed
  throw imageRefused('its manifest.json is not what "docker save" writes')
}

/** A name that an image gets: with a tag and without a digest. */
export type ImageName = Pick<ImageRef, 'repository'> & { tag: string }

/**
 * Returns the names of each image of an archive: those that the archive says, or the one that was `given` for its only image.
 * Throws `image.refused` for an image without a name. Pure.
 */
export function chooseNames(
  said: readonly (readonly string[])[],
  given: string | undefined,
): [ImageName, ...ImageName[]][] {
  if (given !== undefined && said.length > 1)
    throw imageRefused(
      `the archive has ${said.length} images, and one name was given; add it without a name, or save them one by one`,
    )
  return said.map((texts) => {
    const [first, ...others] = (given === undefined ? texts : [given]).flatMap(toName)
    if (first) return [first, ...others]
    const why =
      texts.length > 0 ? `says ${sanitizeText(texts.join(', '), 200)}, which is no name` : 'says no name'
    throw imageRefused(
      `the archive ${why}: give one, such as registry.lan/shop/web:2.4 ("rollcall image add FILE --ref NAME:TAG"), or save the image by its name and not by its id`,
    )
  })
}

function toName(text: string): ImageName[] {
  const ref = parseImageRef(text)
  if (!ref || ref.digest !== null || ref.tag === null) return []
  // A tag alone, as some tools write it, would be taken for a name.
  return /[:/]/.test(text) ? [{ repository: ref.repository, tag: ref.tag }] : []
}

/** Returns the names that an index says of one of its manifests. */
export function namesIn(manifest: ImageIndex['manifests'][number]): string[] {
  const { annotations = {} } = manifest
  const said = [annotations['io.containerd.image.name'], annotations['org.opencontainers.image.ref.name']]
  return said.filter((name) => name !== undefined).slice(0, 1)
}

/** Formats a name with its tag, as people write it. */
export const formatName = (name: ImageName): string => formatImageRef({ ...name, digest: null })
