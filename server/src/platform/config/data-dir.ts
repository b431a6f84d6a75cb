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

/** The server's data folder, locked by one server at a time: keys, the embedded database and the listening address. */
export class DataDir {
  private constructor(
    readonly path: string,
    /** Identifies the installation across restarts, so that a restarted server continues its own work. */
    readonly installationId: string,
    private readonly lock: FileHandle,
  ) {}

  /** Creates the folder if needed and locks it. Throws `server.config_invalid` if another server holds it. */
  static async open(path: string): Promise<DataDir> {
    // Other users may traverse but not list the folder: the embedded database runs under its own account.
    await mkdir(path, { recursive: true, mode: 0o711 })
    const lock = await acquireLock(path)
    return new DataDir(path, await readOrCreateId(join(path, 'installation-id')), lock)
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** Writes a file atomically. */
  async write(name: string, content: string): Promise<void> {
    const temporary = this.file(`${name}.tmp`)
    await writeFile(temporary, content, { mode: 0o600 })
    await rename(temporary, this.file(name))
  }

  async publishAddress(address: ServerAddress): Promise<void> {
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
 * Locks a file that only this user can open. `flock` locks the open file description, which it shares with this
 * process, so the kernel releases the lock when we close the file or die.
 */
async function acquireLock(path: string): Promise<FileHandle> {
  const file = join(path, LOCK_FILE)
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const lock = await open(file, flags, 0o600).catch((cause) => {
    throw unusable(path, `failed to open its ${LOCK_FILE}: ${cause.message}`, cause)
  })
  try {
    const { uid, mode } = await lock.stat()
    if (uid !== process.geteuid?.())
      throw unusable(
        path,
        `its ${LOCK_FILE} belongs to another user (uid ${uid}), who could lock it permanently`,
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
    throw unusable(path, 'the program flock, part of util-linux, failed to start', cause)
  })
  if (code === 0) return
  if (code === 1)
    throw new RollcallError(
      'server.config_invalid',
      `Another Rollcall server uses ${path}. Stop it, or choose another folder with ROLLCALL_DATA_DIR.`,
    )
  throw unusable(
    path,
    `failed to lock its ${LOCK_FILE} (flock exited with ${code}); network file systems may not support locks`,
  )
}

const unusable = (path: string, why: string, cause?: unknown) =>
  new RollcallError(
    'server.config_invalid',
    `The data folder ${path} is unusable: ${why}. Fix this, or choose another folder with ROLLCALL_DATA_DIR.`,
    { cause },
  )

async function readOrCreateId(file: string): Promise<string> {
  try {
    await writeFile(file, `${randomUUID()}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return (await readFile(file, 'utf8')).trim()
}
