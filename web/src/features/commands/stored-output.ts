import { call } from '../../api/client.ts'
import { toBytes } from '../../api/use-output.ts'
import type { Stream } from './output-lines.ts'
import type { OutputPage, OutputSource } from './output-window.ts'

/** Bytes read at a time to be searched or saved. */
const PAGE_BYTES = 1024 * 1024
/** Bytes read at a time to be shown. */
const SHOWN_BYTES = 256 * 1024

/** Reads stored output between two bytes, page by page. */
export async function* readOutput(id: string, from: number, until: number) {
  for (let offset = from; offset < until; ) {
    const query = { offset, maxBytes: Math.min(PAGE_BYTES, until - offset) }
    const page = await call('readOutput', { params: { id }, query })
    for (const { stream, data } of page.chunks) yield { stream, data: toBytes(data), offset }
    if (page.chunks.length === 0) return
    offset = page.nextOffset
  }
}

/** Returns a source of stored output in both directions, of both streams or of one. */
export function sourceOf(id: string, stream: Stream | undefined): OutputSource {
  const read = async (place: { offset: number } | { before: number }): Promise<OutputPage> => {
    const query = { ...place, maxBytes: SHOWN_BYTES, ...(stream && { stream }) }
    const { chunks, firstOffset, nextOffset } = await call('readOutput', { params: { id }, query })
    return {
      chunks: chunks.map((chunk) => ({ ...chunk, data: toBytes(chunk.data) })),
      firstOffset,
      nextOffset,
    }
  }
  return { after: (offset) => read({ offset }), before: (before) => read({ before }) }
}
