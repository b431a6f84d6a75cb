import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { RollcallError } from '@rollcall/contracts'
import { releaseSignature } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { unpacked } from '../platform/archives/host-tools.ts'
import { readTar } from '../platform/archives/tar-reader.ts'
import type { ReleaseIdentity } from './release-archive.ts'

export interface AgentArchive {
  path: string
  version: string
  sha256: string
  /** The operator's, out of the file `.sig` beside it; null where there is none. */
  signature: string | null
}

const MANIFEST = 'MANIFEST.json'
const manifestFile = z.object({ made: z.iso.date() })
const SIGNATURE_SUFFIX = '.sig'

const ARCHIVE_NAME = /^rollcall-agent-(?<version>[0-9A-Za-z.+-]+)-linux-(?<architecture>x64|arm64)\.tar\.gz$/

/** What the server brings to a host: the agent for its architecture, and an Ansible that needs nothing but python3. */
export class Artifacts {
  private readonly hashes = new Map<string, Promise<string>>()

  constructor(
    /** Where the build left the agent's archives. */
    private readonly agentFolder: string,
    private readonly ansibleBundlePath: string,
    /** Where releases are that an operator has added; undefined where none can be. */
    readonly addedFolder?: string,
  ) {}

  /** Throws `host.unsupported_architecture` when this server was built without that agent. */
  async agentArchive(architecture: 'x64' | 'arm64'): Promise<AgentArchive> {
    for (const name of await namesIn(this.agentFolder)) {
      const match = ARCHIVE_NAME.exec(name)?.groups
      if (match?.version === undefined || match.architecture !== architecture) continue
      const path = join(this.agentFolder, name)
      return {
        path,
        version: match.version,
        sha256: await this.hash(path),
        signature: await signatureOf(path),
      }
    }
    throw new RollcallError(
      'host.unsupported_architecture',
      `This server was built without an agent for linux-${architecture}. Build it where the npm registry can be reached: npm run build.`,
    )
  }

  /** Every release that there is for an architecture, the server's own and those that were added. */
  async releases(): Promise<(AgentArchive & { architecture: 'x64' | 'arm64'; isOwn: boolean })[]> {
    const folders = [this.agentFolder, ...(this.addedFolder === undefined ? [] : [this.addedFolder])]
    const found = []
    for (const folder of folders)
      for (const name of await namesIn(folder)) {
        const match = ARCHIVE_NAME.exec(name)?.groups
        if (match?.version === undefined) continue
        const path = join(folder, name)
        const architecture = match.architecture as 'x64' | 'arm64'
        const sha256 = await this.hash(path)
        const signature = await signatureOf(path)
        const { version } = match
        found.push({ path, version, sha256, signature, architecture, isOwn: folder === this.agentFolder })
      }
    return found
  }

  /** Throws `release.not_found`. */
  async release(version: string, architecture: 'x64' | 'arm64'): Promise<AgentArchive> {
    const found = (await this.releases()).find(
      (one) => one.version === version && one.architecture === architecture,
    )
    if (found) return found
    throw new RollcallError(
      'release.not_found',
      `There is no release ${version} of the agent for linux-${architecture}. "rollcall release list" shows those there are.`,
    )
  }

  /**
   * Keeps a release that an operator has brought, whole or not at all. Returns whether it is new. Throws `release.exists` where that version
   * is there with other content.
   */
  async addRelease(
    { version, architecture }: ReleaseIdentity,
    sha256: string,
    archive: AsyncIterable<Buffer>,
    signature: string | null = null,
  ): Promise<boolean> {
    const found = (await this.releases()).find(
      (one) => one.version === version && one.architecture === architecture,
    )
    if (found?.sha256 === sha256) {
      const isSigned = signature !== null && found.signature !== signature && !found.isOwn
      if (isSigned) await writeSignature(found.path, signature)
      return false
    }
    if (found || this.addedFolder === undefined)
      throw new RollcallError(
        'release.exists',
        `There is a release ${version} of the agent for linux-${architecture} with other content. Give this one a version of its own.`,
      )
    await mkdir(this.addedFolder, { recursive: true, mode: 0o700 })
    const part = join(this.addedFolder, `new-${randomUUID()}`)
    try {
      await using file = await open(part, 'wx', 0o600)
      for await (const piece of archive) await file.writeFile(piece)
      await file.datasync()
      const path = join(this.addedFolder, `rollcall-agent-${version}-linux-${architecture}.tar.gz`)
      // First: one that is there without its signature would be refused.
      if (signature !== null) await writeSignature(path, signature)
      await rename(part, path)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
    return true
  }

  async ansibleBundle(): Promise<{ path: string; sha256: string }> {
    return { path: this.ansibleBundlePath, sha256: await this.hash(this.ansibleBundlePath) }
  }

  /** When the Ansible that is brought to hosts was made, by its own manifest; of an archive that does not say, when its file was written. */
  async ansibleMadeAt(): Promise<Date> {
    const members = readTar(await unpacked(await readFile(this.ansibleBundlePath)))
    const manifest = members.find(({ path }) => path === MANIFEST)?.data.toString('utf8')
    const made = manifestFile.safeParse(parsedJson(manifest ?? ''))
    return made.success ? new Date(made.data.made) : (await stat(this.ansibleBundlePath)).mtime
  }

  private hash(path: string): Promise<string> {
    const known = this.hashes.get(path)
    if (known) return known
    const hashing = hashFile(path)
    this.hashes.set(path, hashing)
    hashing.catch(() => this.hashes.delete(path))
    return hashing
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.sort()
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function signatureOf(path: string): Promise<string | null> {
  const text = await readFile(path + SIGNATURE_SUFFIX, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
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
