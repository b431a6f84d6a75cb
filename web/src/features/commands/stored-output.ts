import { call } from '../../api/client.ts'
import { bytesOf } from '../../api/use-output.ts'

/** What is read at a time. */
const PAGE_BYTES = 1024 * 1024

/** Stored output between two bytes, page by page. */
export async function* readOutput(id: string, from: number, until: number) {
  for (let offset = from; offset < until; ) {
    const query = { offset, maxBytes: Math.min(PAGE_BYTES, until - offset) }
    const page = await call('readOutput', { params: { id }, query })
    for (const { stream, data } of page.chunks) yield { stream, data: bytesOf(data), offset }
    if (page.chunks.length === 0) return
    offset = page.nextOffset
  }
}
