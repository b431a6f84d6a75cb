import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { AGENT_PATHS, sha256 } from '@rollcall/contracts/agent'
import { errorCode } from '../platform/files.ts'

/** The hash that the tools in use are named by. The link is set when they are whole and on the disk, so it says that they are. */
export async function readToolsVersion(folder: string = AGENT_PATHS.tools): Promise<string | null> {
  try {
    const parsed = sha256.safeParse(await readlink(join(folder, 'current')))
    return parsed.data ?? null
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errorCode(error))) return null
    throw error
  }
}
