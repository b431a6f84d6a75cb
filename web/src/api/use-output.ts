import type { CommandView } from '@rollcall/contracts/admin'
import { live } from './live.ts'

export interface OutputPart {
  stream: 'stdout' | 'stderr'
  data: Uint8Array
}

export const toBytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))

/**
 * Follows a command from a byte offset: each byte once and in order, over reconnections. With `maxLagBytes` output that comes faster than
 * it is read is skipped: the next offset is then a higher one.
 */
export function followOutput(
  commandId: string,
  from: number,
  on: {
    output(part: OutputPart, offset: number): void
    command?(command: CommandView): void
    error?(message: string, code: string): void
  },
  maxLagBytes?: number,
): () => void {
  let offset = from
  return live.follow({
    takes: (event) =>
      ('commandId' in event && event.commandId === commandId) ||
      ('command' in event && event.command.id === commandId),
    begin: () => ({ type: 'follow', commandId, offset, ...(maxLagBytes !== undefined && { maxLagBytes }) }),
    end: () => ({ type: 'unfollow', commandId }),
    onEvent(event) {
      if (event.type === 'output') {
        if (maxLagBytes !== undefined && event.offset > offset) offset = event.offset
        // Skips what a reconnection sends again.
        const data = toBytes(event.data).subarray(Math.max(0, offset - event.offset))
        if (event.offset > offset || data.length === 0) return
        on.output({ stream: event.stream, data }, offset)
        offset += data.length
      } else if (event.type === 'command' || event.type === 'end') on.command?.(event.command)
      else if (event.type === 'error') on.error?.(event.message, event.code)
    },
  })
}
