import { createHash } from 'node:crypto'
import { COMPARED_BYTES } from '@rollcall/contracts/admin'

/** Output as far as it is compared: pieces in order, each with the stream that it was written to. */
export interface ComparedOutput {
  chunks: Iterable<{ stream: 'stdout' | 'stderr'; data: Buffer }>
  /** Of the whole output, and of what the host had to cut. */
  outputBytes: number
  droppedBytes: number
}

/**
 * What outputs are compared by: the bytes of stdout and those of stderr, however the two were interleaved. Of an output
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
