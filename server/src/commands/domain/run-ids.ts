import { createHash } from 'node:crypto'

/**
 * The id of a run's command on one host (a UUID of version 8 made from both ids), so that a request that is sent
 * again names the same commands.
 */
export function commandIdOf(runId: string, hostId: string): string {
  const bytes = createHash('sha256').update(`${runId}/${hostId}`).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
