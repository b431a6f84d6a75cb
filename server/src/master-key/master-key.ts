import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { RollcallError } from '@rollcall/contracts'

const KEY_BYTES = 32
const FORM = `${KEY_BYTES} bytes as base64`

/**
 * The key that seals everything at rest: from `ROLLCALL_MASTER_KEY`, or from `file`, which is made with mode 0600 at
 * the first start. Throws `server.config_invalid` for a key of the wrong form or a file that others can read.
 */
export async function loadMasterKey(fromEnvironment: string | undefined, file: string): Promise<Buffer> {
  if (fromEnvironment !== undefined) return parseMasterKey(fromEnvironment, 'ROLLCALL_MASTER_KEY')
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0)
      throw new RollcallError(
        'server.config_invalid',
        `${file} can be read by others (mode ${(mode & 0o777).toString(8)}). Run: chmod 600 ${file}`,
      )
    return parseMasterKey(await readFile(file, 'utf8'), file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const key = randomBytes(KEY_BYTES)
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(`${key.toString('base64')}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return key
}

/** @throws `server.config_invalid` that names `source`, for a key of the wrong form. */
export function parseMasterKey(text: string, source: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== KEY_BYTES || key.toString('base64') !== text.trim())
    throw new RollcallError(
      'server.config_invalid',
      `${source} must hold ${FORM}, as "head -c ${KEY_BYTES} /dev/urandom | base64" gives it.`,
    )
  return key
}
