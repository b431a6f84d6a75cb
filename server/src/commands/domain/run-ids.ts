import { createHash } from 'node:crypto'

/** Hashes a request; the order of an object's keys does not count. */
export function hashOf(value: unknown): string {
  const canonical = JSON.stringify(value, (_key, part) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
  return createHash('sha256').update(canonical).digest('hex')
}

/**
 * Derives the id of a run's command on one host (a UUID of version 8 from both ids), so that a request that is sent again
 * names the same commands.
 */
export const commandIdOf = (runId: string, hostId: string) => idOf(`${runId}/${hostId}`)

/** Derives the id of a step that a host does for a command: the same on every server. */
export const stepIdOf = (commandId: string, step: string) => idOf(`${commandId}/${step}`)

function idOf(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
