import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'

/** What a client on the same machine reads to find the server. */
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
    private readonly lock: Server,
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
    await new Promise((resolve) => this.lock.close(resolve))
  }
}

/** An abstract unix socket is a lock that the kernel lets go when its holder dies, however it dies. */
function takeLock(path: string): Promise<Server> {
  const name = `\0rollcall-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new RollcallError(
              'server.config_invalid',
              `Another Rollcall server uses ${path}. Stop it, or choose another folder with ROLLCALL_DATA_DIR.`,
              { cause },
            )
          : cause,
      ),
    )
    server.listen(name, () => resolve(server.unref()))
  })
}

async function readOrMakeId(file: string): Promise<string> {
  try {
    await writeFile(file, `${randomUUID()}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return (await readFile(file, 'utf8')).trim()
}
