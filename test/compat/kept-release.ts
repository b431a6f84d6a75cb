import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { z } from 'zod'

const RELEASES = fileURLToPath(new URL('releases', import.meta.url))
const SUFFIX = '.tar.gz'

/** The versions whose programs and contract are kept here. */
export const keptVersions = async (): Promise<string[]> =>
  (await readdir(RELEASES))
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))

export type EarlierMethods = Record<string, { params: z.ZodType; result: z.ZodType }>

/** A real earlier build: what it did is what its hosts still do. */
export class KeptRelease implements AsyncDisposable {
  /** Its `agent.mjs` and `runner.mjs` are here. */
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async unpack(version: string): Promise<KeptRelease> {
    const release = new KeptRelease(await mkdtemp(join(tmpdir(), 'rollcall-earlier-')))
    await promisify(execFile)('tar', ['-xzf', join(RELEASES, `${version}${SUFFIX}`), '-C', release.folder])
    return release
  }

  /** The methods that its server calls, with what that server takes for an answer. */
  async methods(): Promise<EarlierMethods> {
    const contract: { AGENT_METHODS: EarlierMethods } = await import(
      pathToFileURL(join(this.folder, 'contract.mjs')).href
    )
    return contract.AGENT_METHODS
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
