import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Writes bytes or text; the promise, where there is one, resolves when the reader has caught up. */
export function write(stream: Writable, data: Buffer | string): void | Promise<void> {
  if (!stream.write(data)) return once(stream, 'drain').then(() => undefined)
}

/** Resolves when everything that was written so far is with the reader, or never will be. */
export async function flushed(...streams: Writable[]): Promise<void> {
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream.write('', resolve))))
}
