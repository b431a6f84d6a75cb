import { Injectable } from '@nestjs/common'
import { readTarStream } from '../platform/archives/tar-stream-reader.ts'
import { ArchiveContents } from './domain/archive-contents.ts'
import { imageRefused } from './domain/manifest.ts'
import { compressionByMagic, isBomb, MAGIC_BYTES } from './domain/unpacking.ts'
import { ImageStore } from './image-store.ts'
import { isDamage, unpack } from './unpack.ts'

/** Bounds the files of an archive: older versions of Docker write three for each layer. */
const MAX_MEMBERS = 10_000

/** Stores the files of an archive of images as they come, so that an archive of any size needs no room of its own. */
@Injectable()
export class ArchiveReader {
  constructor(private readonly store: ImageStore) {}

  /**
   * Stores every file by its hash, and returns which there are. Throws `image.refused` for what is no tar archive or packed
   * otherwise than with gzip, `file.path_refused` for members that lead elsewhere, and `server.files_full`.
   */
  async read(source: AsyncIterable<Buffer>): Promise<ArchiveContents> {
    const contents = new ArchiveContents()
    try {
      for await (const member of readTarStream(unpacked(source), MAX_MEMBERS)) {
        if ('target' in member) contents.addLink(member.path, member.target)
        else {
          const { sha256, size } = await this.store.add(member.content)
          contents.addFile(member.path, { sha256, bytes: size })
        }
      }
    } catch (error) {
      if (isDamage(error)) throw imageRefused('the archive is damaged: it cannot be unpacked', error)
      throw error
    }
    return contents
  }
}

/** Yields an archive unpacked, whether it was packed with gzip or not. */
async function* unpacked(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < MAGIC_BYTES) {
    const { done, value } = await iterator.next()
    if (done) throw imageRefused('the archive is empty or cut')
    head = Buffer.concat([head, value])
  }
  const compression = compressionByMagic(head)
  const packed = rest(head, iterator)
  if (compression === 'none') return yield* packed
  if (compression !== 'gzip')
    throw imageRefused(
      'the archive is packed otherwise than with gzip; unpack it first, such as with "zstd -d" or "xz -d"',
    )
  const count = { packed: 0, unpacked: 0 }
  for await (const piece of unpack(counting(packed, count), compression)) {
    count.unpacked += piece.length
    if (isBomb(count))
      throw imageRefused(`the archive unpacks to more than ${count.unpacked} bytes from ${count.packed}`)
    yield piece
  }
}

async function* rest(head: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head
  while (true) {
    const { done, value } = await iterator.next()
    if (done) return
    yield value
  }
}

async function* counting(source: AsyncIterable<Buffer>, count: { packed: number }): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    count.packed += piece.length
    yield piece
  }
}
