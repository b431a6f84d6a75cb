import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { RollcallError } from '@rollcall/contracts'

const KEY_BYTES = 32
const FORM = `${KEY_BYTES} bytes as base64`

/**
 * Loads the master key from `ROLLCALL_MASTER_KEY` or from `file`, which it creates with mode 0600 on the first start.
 * Throws `server.config_invalid` if the key is malformed or others can read the file.
 */
export async function loadMasterKey(fromEnvironment: string | undefined, file: string): Promise<Buffer> {
  if (fromEnvironment !== undefined) return parseMasterKey(fromEnvironment, 'ROLLCALL_MASTER_KEY')
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0)
      throw new RollcallError(
        'server.config_invalid',
        `Other users can read ${file} (mode ${(mode & 0o777).toString(8)}). Run: chmod 600 ${file}`,
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

/** Parses a master key. Throws `server.config_invalid`, naming `source`, if it is malformed. */
export function parseMasterKey(text: string, source: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== KEY_BYTES || key.toString('base64') !== text.trim())
    throw new RollcallError(
      'server.config_invalid',
      `${source} must contain ${FORM}. Create a key with: head -c ${KEY_BYTES} /dev/urandom | base64`,
    )
  return key
}
