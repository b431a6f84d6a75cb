import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseJson, RollcallError } from '@rollcall/contracts'
import { releaseSignature } from '@rollcall/contracts/agent'
import { z } from 'zod'
import {
  type AnsibleBundle,
  gunzipIfNeeded,
  PLAYBOOKS_FOLDER,
  readTools,
} from '../platform/archives/host-tools.ts'
import { readTar } from '../platform/archives/tar-reader.ts'
import { ifMissing } from '../platform/files/if-missing.ts'
import { memoizeAsync } from '../platform/memoize-async.ts'
import type { ReleaseIdentity } from './release-archive.ts'

export interface ReleaseArchive {
  path: string
  version: string
  sha256: string
  /** The operator's signature, read from the `.sig` file beside the archive; null if there is none. */
  signature: string | null
}

const MANIFEST = 'MANIFEST.json'
const manifestFile = z.object({ made: z.iso.date() })
const SIGNATURE_SUFFIX = '.sig'

const ARCHIVE_NAME = /^rollcall-agent-(?<version>[0-9A-Za-z.+-]+)-linux-(?<architecture>x64|arm64)\.tar\.gz$/

interface Archive {
  path: string
  version: string
  architecture: 'x64' | 'arm64'
  /** True if it belongs to this build, false if an operator added it. */
  isOwn: boolean
}
type Release = Archive & ReleaseArchive

/**
 * Serves what the server installs on hosts: the agent for each architecture, and an Ansible bundle that needs only
 * python3.
 */
export class Artifacts {
  private readonly hash = memoizeAsync(hashFile)
  /** Returns the tools for hosts, which are read once: they do not change while the server runs. */
  readonly tools = memoizeAsync(async () => readTools(await this.ansibleBundle(), PLAYBOOKS_FOLDER))

  constructor(
    /** The folder with the archives of this build. */
    private readonly agentFolder: string,
    private readonly ansibleBundlePath: string,
    /** The folder for releases that an operator added. */
    readonly addedFolder: string,
    private readonly isAnsiblePlain = false,
  ) {}

  /**
   * Returns the agent of this build. Throws `host.unsupported_architecture` if the build has none for the architecture.
   */
  async agentArchive(architecture: 'x64' | 'arm64'): Promise<ReleaseArchive> {
    const own = await this.findArchive((archive) => archive.isOwn && archive.architecture === architecture)
    if (own) return own
    throw new RollcallError(
      'host.unsupported_architecture',
      `This server was built without an agent for linux-${architecture}. Run "npm run build" on a machine that can reach the npm registry.`,
    )
  }

  /** Lists all releases for all architectures: those of this build and those an operator added. */
  async releases(): Promise<Release[]> {
    const found = []
    for await (const archive of this.archives()) found.push(await this.read(archive))
    return found
  }

  /** Names the archives without reading them. */
  private async *archives(): AsyncGenerator<Archive> {
    for (const folder of [this.agentFolder, this.addedFolder])
      for (const name of await listNames(folder)) {
        const match = ARCHIVE_NAME.exec(name)?.groups
        if (match?.version === undefined) continue
        const architecture = match.architecture as 'x64' | 'arm64'
        const isOwn = folder === this.agentFolder
        yield { path: join(folder, name), version: match.version, architecture, isOwn }
      }
  }

  private async read(archive: Archive): Promise<Release> {
    const sha256 = await this.hash(archive.path)
    return { ...archive, sha256, signature: await readSignature(archive.path) }
  }

  /** Reads the first archive that fits, and no other: each is hashed when it is first read. */
  private async findArchive(fits: (archive: Archive) => boolean): Promise<Release | undefined> {
    for await (const archive of this.archives()) if (fits(archive)) return this.read(archive)
    return undefined
  }

  /** Returns one release. Throws `release.not_found`. */
  async release(version: string, architecture: 'x64' | 'arm64'): Promise<ReleaseArchive> {
    const found = await this.find({ version, architecture })
    if (found) return found
    throw new RollcallError(
      'release.not_found',
      `There is no release ${version} of the agent for linux-${architecture}. List the releases: rollcall release list`,
    )
  }

  /**
   * Stores a release atomically and returns whether it is new. Throws `release.exists` if the version exists with other
   * content.
   */
  async addRelease(
    release: ReleaseIdentity,
    sha256: string,
    archive: AsyncIterable<Buffer>,
    signature: string | null = null,
  ): Promise<boolean> {
    const found = await this.find(release)
    const { version, architecture } = release
    if (found?.sha256 === sha256) {
      const isSigned = signature !== null && found.signature !== signature && !found.isOwn
      if (isSigned) await writeSignature(found.path, signature)
      return false
    }
    if (found)
      throw new RollcallError(
        'release.exists',
        `Release ${version} of the agent for linux-${architecture} already exists with different content. Use another version number.`,
      )
    await mkdir(this.addedFolder, { recursive: true, mode: 0o700 })
    const part = join(this.addedFolder, `new-${randomUUID()}`)
    try {
      await using file = await open(part, 'wx', 0o600)
      for await (const piece of archive) await file.writeFile(piece)
      await file.datasync()
      const path = join(this.addedFolder, `rollcall-agent-${version}-linux-${architecture}.tar.gz`)
      // The signature first: an archive without its signature would be refused.
      if (signature !== null) await writeSignature(path, signature)
      await rename(part, path)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
    return true
  }

  private find({ version, architecture }: ReleaseIdentity) {
    return this.findArchive((archive) => archive.version === version && archive.architecture === architecture)
  }

  async ansibleBundle(): Promise<AnsibleBundle> {
    const path = this.ansibleBundlePath
    return { path, sha256: await this.hash(path), isPlain: this.isAnsiblePlain }
  }

  /** Returns the build date of the Ansible bundle from its manifest, or the modification time of its file. */
  async ansibleMadeAt(): Promise<Date> {
    const members = readTar(await gunzipIfNeeded(await readFile(this.ansibleBundlePath)))
    const text = members.find(({ path }) => path === MANIFEST)?.data.toString('utf8')
    const manifest = parseJson(manifestFile, text ?? '')
    return manifest ? new Date(manifest.made) : (await stat(this.ansibleBundlePath)).mtime
  }
}

async function listNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(ifMissing([]))
  return names.sort()
}

async function readSignature(path: string): Promise<string | null> {
  const text = await readFile(path + SIGNATURE_SUFFIX, 'utf8').catch(ifMissing(null))
  const parsed = releaseSignature.safeParse(text?.trim())
  return parsed.success ? parsed.data : null
}

async function writeSignature(path: string, signature: string): Promise<void> {
  const part = `${path}${SIGNATURE_SUFFIX}.${randomUUID()}`
  await writeFile(part, `${signature}\n`, { mode: 0o600, flag: 'wx' })
  await rename(part, path + SIGNATURE_SUFFIX)
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
