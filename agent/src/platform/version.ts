import { readFileSync } from 'node:fs'

declare const ROLLCALL_VERSION: string | undefined

/** Reads the release of this bundle. Returns `0.0.0-source` when it runs unbundled. */
export function readOwnVersion(): string {
  const file = new URL('VERSION', import.meta.url)
  try {
    return String(JSON.parse(readFileSync(file, 'utf8')).version)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return typeof ROLLCALL_VERSION === 'string' ? ROLLCALL_VERSION : '0.0.0-source'
  }
}
