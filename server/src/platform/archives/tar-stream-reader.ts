import { posix } from 'node:path'
import {
  archiveRefused,
  isTarEnd,
  parseTarHeader,
  requireTreePath,
  TAR_BLOCK,
  type TarHeader,
  withoutDot,
} from './tar-header.ts'

/** A file of an archive, or a link to another member of it. */
export type TarStreamMember =
  | { path: string; size: number; content: AsyncIterable<Buffer> }
  | { path: string; target: string }

/** Bounds long names and other attributes, which are held in memory. */
const MAX_EXTENSION_BYTES = 64 * 1024
/** Bounds what follows the end of an archive: tar fills up its last record. */
const MAX_TRAILING_BYTES = 1024 * 1024

/**
 * Reads the files and links of an uncompressed tar archive as it comes, with the long names of pax and GNU; the content of a file is
 * to be read before the next member is asked for. Throws `file.path_refused` for members that lead out of the archive, are given
 * twice or are devices, for more than `maxMembers`, and for damage.
 */
export async function* readTarStream(
  source: AsyncIterable<Buffer>,
  maxMembers: number,
): AsyncGenerator<TarStreamMember> {
  const bytes = new ByteReader(source)
  const paths = new Set<string>()
  for await (const { path, link, size, type } of headers(bytes)) {
    if (type === '5') {
      await bytes.skip(padded(size))
      continue
    }
    requireTreePath(path)
    if (paths.has(path)) throw archiveRefused(path, 'it is in the archive twice')
    paths.add(path)
    if (paths.size > maxMembers) throw archiveRefused(path, `the archive has more than ${maxMembers} files`)
    if (type === '1' || type === '2') yield { path, target: toTarget(path, link, type) }
    else if (type === '0' || type === '\0') {
      const content = bytes.pieces(size, path)
      yield { path, size, content }
      for await (const _rest of content);
      await bytes.skip(padded(size) - size)
    } else throw archiveRefused(path, 'it is neither a file nor a folder')
  }
  await bytes.drain(MAX_TRAILING_BYTES)
}

/** Yields headers whose long names are filled in. */
async function* headers(bytes: ByteReader): AsyncGenerator<TarHeader> {
  let long: { path?: string; link?: string; size?: number } = {}
  while (true) {
    const block = await bytes.take(TAR_BLOCK)
    if (block === null || isTarEnd(block)) return
    const header = parseTarHeader(block)
    if ('xgLK'.includes(header.type)) {
      const given = await readExtension(bytes, header)
      if (header.type !== 'g') long = { ...long, ...given }
      continue
    }
    yield { ...header, ...long }
    long = {}
  }
}

async function readExtension(bytes: ByteReader, { path, size, type }: TarHeader) {
  if (size > MAX_EXTENSION_BYTES)
    throw archiveRefused(path, `its name and attributes have more than ${MAX_EXTENSION_BYTES} bytes`)
  const data = await bytes.take(padded(size))
  if (data === null) throw archiveRefused(path, 'the archive is truncated')
  const content = data.subarray(0, size)
  const name = content.toString('utf8').replace(/\0.*$/s, '')
  if (type === 'L') return { path: withoutDot(name) }
  if (type === 'K') return { link: name }
  return parsePax(content, path)
}

/** Parses the records `LENGTH KEY=VALUE\n` of a pax header. */
function parsePax(content: Buffer, member: string) {
  const given: { path?: string; link?: string; size?: number } = {}
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at)
    const length = Number(content.toString('latin1', at, blank === -1 ? at : blank))
    if (!Number.isSafeInteger(length) || length < 5 || at + length > content.length)
      throw archiveRefused(member, 'its attributes are damaged')
    const record = content.toString('utf8', blank + 1, at + length - 1)
    const equals = record.indexOf('=')
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)]
    if (key === 'path') given.path = withoutDot(value)
    if (key === 'linkpath') given.link = value
    if (key === 'size') given.size = toSize(value, member)
    at += length
  }
  return given
}

function toSize(text: string, member: string): number {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(size)) return size
  throw archiveRefused(member, 'it contains an invalid number')
}

/** The target of a symbolic link is relative to its folder, that of a hard link to the archive. */
function toTarget(path: string, link: string, type: string): string {
  const target = posix.normalize(type === '2' ? posix.join(posix.dirname(path), link) : withoutDot(link))
  if (link.startsWith('/') || target.startsWith('..'))
    throw archiveRefused(path, 'it is a link that leads out of the archive')
  return target
}

const padded = (size: number): number => Math.ceil(size / TAR_BLOCK) * TAR_BLOCK

/** Reads a stream of bytes in the pieces that a format wants. */
class ByteReader {
  private readonly source: AsyncIterator<Buffer>
  private rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]()
  }

  /** Returns exactly `length` bytes, which must be few; null at the end of the stream. */
  async take(length: number): Promise<Buffer | null> {
    while (this.rest.length < length) {
      const { done, value } = await this.source.next()
      if (!done) this.rest = Buffer.concat([this.rest, value])
      else if (this.rest.length === 0) return null
      else throw archiveRefused('the archive', 'it is truncated')
    }
    const taken = this.rest.subarray(0, length)
    this.rest = this.rest.subarray(length)
    return taken
  }

  /** Yields the next `length` bytes as they come. */
  async *pieces(length: number, path: string): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.rest.length === 0) {
        const { done, value } = await this.source.next()
        if (done) throw archiveRefused(path, 'the archive is truncated')
        this.rest = value
      }
      const piece = this.rest.subarray(0, left)
      this.rest = this.rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  /** Reads the stream to its end. */
  async drain(maxBytes: number): Promise<void> {
    for (let bytes = this.rest.length; bytes <= maxBytes; ) {
      const { done, value } = await this.source.next()
      if (done) return
      bytes += value.length
    }
    throw archiveRefused('the archive', `more than ${maxBytes} bytes follow its end`)
  }

  async skip(length: number): Promise<void> {
    for await (const _piece of this.pieces(length, 'the archive'));
  }
}
