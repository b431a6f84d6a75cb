import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'

/** The record by which a client on the same machine finds the server. */
export interface ServerAddress {
  url: string
  pid: number
}

/** The server's folder: keys, the embedded database, and where it listens. One server at a time may hold it. */
export class DataDir {
  private constructor(
    readonly path: string,
    /** The same over restarts, so that a restarted server goes on at once with what it held. */
    readonly installationId: string,
    private readonly lock: FileHandle,
  ) {}

  /** Makes the folder if need be and takes it. Throws `server.config_invalid` when another living server holds it. */
  static async open(path: string): Promise<DataDir> {
    // Others may pass through, but list nothing: the embedded database runs under an account of its own.
    await mkdir(path, { recursive: true, mode: 0o711 })
    const lock = await takeLock(path)
    return new DataDir(path, await readOrMakeId(join(path, 'installation-id')), lock)
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** Written whole or not at all. */
  async write(name: string, content: string): Promise<void> {
    const temporary = this.file(`${name}.tmp`)
    await writeFile(temporary, content, { mode: 0o600 })
    await rename(temporary, this.file(name))
  }

  async announce(address: ServerAddress): Promise<void> {
    await this.write('server.json', `${JSON.stringify(address)}\n`)
  }

  async close(): Promise<void> {
    await rm(this.file('server.json'), { force: true })
    await this.lock.close()
  }
}

const LOCK_FILE = 'server.lock'
const LOCK_TIMEOUT_MS = 10_000

/**
 * Takes a lock on a file that this user alone can open, and so alone can lock. `flock` locks the open file, which it shares with
 * us: the kernel lets the lock go when we close the file or die, however we die.
 */
async function takeLock(path: string): Promise<FileHandle> {
  const file = join(path, LOCK_FILE)
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const lock = await open(file, flags, 0o600).catch((cause) => {
    throw unusable(path, `its ${LOCK_FILE} cannot be opened: ${cause.message}`, cause)
  })
  try {
    const { uid, mode } = await lock.stat()
    if (uid !== process.geteuid?.())
      throw unusable(
        path,
        `its ${LOCK_FILE} belongs to another user (uid ${uid}), who could hold it for ever`,
      )
    if ((mode & 0o077) !== 0) await lock.chmod(0o600)
    await lockFile(lock, path)
    return lock
  } catch (error) {
    await lock.close()
    throw error
  }
}

async function lockFile(lock: FileHandle, path: string): Promise<void> {
  const child = spawn('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', lock.fd],
    timeout: LOCK_TIMEOUT_MS,
  })
  const [code] = await once(child, 'exit').catch((cause) => {
    throw unusable(path, 'the program flock, which comes with util-linux, cannot be started', cause)
  })
  if (code === 0) return
  if (code === 1)
    throw new RollcallError(
      'server.config_invalid',
      `Another Rollcall server uses ${path}. Stop it, or choose another folder with ROLLCALL_DATA_DIR.`,
    )
  throw unusable(
    path,
    `its ${LOCK_FILE} cannot be locked (flock ended with ${code}); a network file system may lack locks`,
  )
}

const unusable = (path: string, why: string, cause?: unknown) =>
  new RollcallError(
    'server.config_invalid',
    `The data folder ${path} cannot be used: ${why}. Correct that, or choose another folder with ROLLCALL_DATA_DIR.`,
    { cause },
  )

async function readOrMakeId(file: string): Promise<string> {
  try {
    await writeFile(file, `${randomUUID()}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return (await readFile(file, 'utf8')).trim()
}
