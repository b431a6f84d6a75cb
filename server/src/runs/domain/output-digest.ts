import { createHash } from 'node:crypto'
import { COMPARED_BYTES } from '@rollcall/contracts/admin'

/** Output as far as it is compared: pieces in order, each with the stream that it was written to. */
export interface ComparedOutput {
  chunks: Iterable<{ stream: 'stdout' | 'stderr'; data: Buffer }>
  /** Bytes of the whole output, and bytes that were cut from it. */
  outputBytes: number
  droppedBytes: number
}

/**
 * Computes the digest that outputs are compared by: of the bytes of stdout and those of stderr, however interleaved. Of an output
 * longer than `COMPARED_BYTES` the first so many bytes count, and its size.
 */
export function digestOf({ chunks, outputBytes, droppedBytes }: ComparedOutput): Buffer {
  const streams = { stdout: createHash('sha256'), stderr: createHash('sha256') }
  for (const { stream, data } of chunks) streams[stream].update(data)
  const size = isComparedWhole(outputBytes) ? 0 : outputBytes
  return createHash('sha256')
    .update(streams.stdout.digest())
    .update(streams.stderr.digest())
    .update(`${size}/${droppedBytes}`)
    .digest()
}

export const isComparedWhole = (outputBytes: number) => outputBytes <= COMPARED_BYTES
