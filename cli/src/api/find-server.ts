import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CliError, NoServerError, UsageError } from '../errors.ts'

export interface ServerAddress {
  url: URL
  apiKey: string
  /** The process that announced itself in the local data folder; undefined for a server named by ROLLCALL_URL. */
  pid: number | undefined
}

const HOW_TO_START =
  'Start it with "npm start" in the checkout, or name another with ROLLCALL_URL and ROLLCALL_API_KEY.'

/**
 * Finds the server named by ROLLCALL_URL and ROLLCALL_API_KEY, or else the one on this machine, through its data folder. The local key
 * is never sent to a server named by URL. Throws `NoServerError` if none has announced itself.
 */
export async function findServer(env: NodeJS.ProcessEnv): Promise<ServerAddress> {
  const apiKey = env.ROLLCALL_API_KEY?.trim()
  if (env.ROLLCALL_URL) {
    if (!apiKey)
      throw new UsageError(
        'ROLLCALL_URL is set, but ROLLCALL_API_KEY is not. Set both, or neither for the server on this machine.',
      )
    return {
      url: parseUrl(env.ROLLCALL_URL, 'ROLLCALL_URL'),
      apiKey: checkedKey(apiKey, 'ROLLCALL_API_KEY'),
      pid: undefined,
    }
  }
  const dataDir = toDataDir(env)
  const { url, pid } = await readAnnouncement(join(dataDir, 'server.json'))
  return {
    url,
    pid,
    apiKey: checkedKey(apiKey || (await readKey(join(dataDir, 'api-key'))), join(dataDir, 'api-key')),
  }
}

/** Returns the data folder of a server on this machine. */
export function toDataDir(env: NodeJS.ProcessEnv): string {
  if (env.ROLLCALL_DATA_DIR) return env.ROLLCALL_DATA_DIR
  if (process.getuid?.() === 0) return '/var/lib/rollcall'
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'rollcall')
}

function parseUrl(text: string, where: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url
  throw new UsageError(
    `${where} must be an address such as http://127.0.0.1:8420, without a user name or password in it.`,
  )
}

/** Checks that a key can be sent in a header: the error that Node would throw holds the key. */
function checkedKey(key: string, where: string): string {
  if (/^[\x21-\x7e]{1,256}$/.test(key)) return key
  throw new CliError(`${where} does not hold an API key: a key is one word of printable characters.`)
}

async function readAnnouncement(path: string): Promise<{ url: URL; pid: number | undefined }> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw new NoServerError(`No Rollcall server is running here: there is no ${path}. ${HOW_TO_START}`)
    throw unreadable(path, error)
  })
  try {
    const { url, pid } = JSON.parse(text) as { url?: unknown; pid?: unknown }
    return { url: parseUrl(String(url), path), pid: typeof pid === 'number' ? pid : undefined }
  } catch (cause) {
    throw new CliError(
      `${path} does not say where the server listens. Restart the server, which writes it again.`,
      { cause },
    )
  }
}

async function readKey(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error)
  })
  return text.trim()
}

function unreadable(path: string, cause: NodeJS.ErrnoException): CliError {
  const why = cause.code === 'EACCES' || cause.code === 'EPERM' ? 'permission denied' : cause.message
  return new CliError(
    `Cannot read ${path}: ${why}. Run rollcall as the user who started the server, or set ROLLCALL_URL and ROLLCALL_API_KEY.`,
    { cause },
  )
}

/** Returns an error if the process that announced itself is gone; undefined while it may still begin to listen. */
export function findDeadServer(server: ServerAddress, cause: unknown): NoServerError | undefined {
  if (server.pid === undefined || isAlive(server.pid)) return undefined
  return new NoServerError(
    `No Rollcall server is running here: process ${server.pid}, which listened on ${server.url.origin}, is gone. ${HOW_TO_START}`,
    { cause },
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
