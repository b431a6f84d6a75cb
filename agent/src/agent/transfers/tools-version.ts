import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { AGENT_PATHS, sha256 } from '@rollcall/contracts/agent'
import { errorCode } from '../../platform/files.ts'

/** Reads the hash of the tools in use, whose link is set once they are complete and on the disk. Returns null if there are none. */
export async function readToolsVersion(folder: string = AGENT_PATHS.tools): Promise<string | null> {
  try {
    const parsed = sha256.safeParse(await readlink(join(folder, 'current')))
    return parsed.data ?? null
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errorCode(error))) return null
    throw error
  }
}
