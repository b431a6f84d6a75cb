import { UsageError } from '../errors.ts'

/** A path on hosts that are named before the colon, or selected by options. */
export interface RemotePlace {
  hosts: string[]
  path: string
}

/** Parses `web-1:/path`, `web-1,web-2:/path` or `:/path`. Returns null for a local path, which has a slash before any colon, or no colon. */
export function parseRemote(text: string): RemotePlace | null {
  const at = text.indexOf(':')
  if (at === -1 || text.slice(0, at).includes('/')) return null
  const path = text.slice(at + 1)
  if (!path.startsWith('/'))
    throw new UsageError(`The path "${path}" on a host must be absolute, such as web-1:/etc/motd.`)
  const hosts = text
    .slice(0, at)
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  return { hosts: [...new Set(hosts)], path }
}

/** Returns the full path of a file: a path that ends in a slash is a folder, in which the file keeps its name. */
export const toDestination = (path: string, name: string): string =>
  path.endsWith('/') ? `${path}${name}` : path

/** Parses octal permission bits. Throws `UsageError`. */
export function parseMode(text: string): number {
  if (/^[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8)
  throw new UsageError(`The mode "${text}" must be three or four octal digits, such as 644.`)
}
