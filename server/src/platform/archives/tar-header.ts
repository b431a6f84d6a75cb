import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { treePath } from '@rollcall/contracts/agent'

export const TAR_BLOCK = 512

/** The header of one member of a tar archive, as it stands. */
export interface TarHeader {
  /** Without "./" at its beginning; not checked. */
  path: string
  /** The target of a link. */
  link: string
  /** Permission bits. */
  mode: number
  size: number
  /** One character; `\0` is a file too. */
  type: string
}

/** Parses a header. Throws `file.path_refused` if it is damaged. */
export function parseTarHeader(block: Buffer): TarHeader {
  if (!isChecksumValid(block)) throw archiveRefused('a header', 'it is damaged')
  return {
    path: readPath(block),
    link: text(block, 157, 100),
    mode: octal(block, 100, 8) & 0o777,
    size: readSize(block),
    type: String.fromCharCode(block[156] ?? 0),
  }
}

/** Returns whether a block ends an archive. */
export const isTarEnd = (block: Buffer): boolean => block.every((byte) => byte === 0)

/** Returns a path that leads nowhere else. Throws `file.path_refused`. */
export function requireTreePath(path: string): string {
  const parsed = treePath.safeParse(path)
  if (parsed.success && !path.startsWith('/')) return path
  throw archiveRefused(path, 'its path is not allowed')
}

/** Returns the error for an archive, naming the member and why. */
export const archiveRefused = (what: string, why: string) =>
  new RollcallError('file.path_refused', `The archive was refused: ${sanitizeText(what, 200)}: ${why}.`)

function readPath(header: Buffer): string {
  const name = text(header, 0, 100)
  const prefix =
    header.toString('latin1', 257, 262) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : ''
  return withoutDot(prefix === '' ? name : `${prefix}/${name}`)
}

/** Removes "./" from the beginning of a path. */
export const withoutDot = (path: string): string => path.replace(/^\.\//, '')

/** Verifies the header's checksum, computed with blanks in the checksum's place. */
function isChecksumValid(header: Buffer): boolean {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  return sum === octal(header, 148, 8)
}

const text = (header: Buffer, start: number, length: number): string => {
  const field = header.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? length : end)
}

/** Reads a size: octal digits, or a number of bytes for 8 GiB and more, as GNU writes it. */
function readSize(header: Buffer): number {
  if (header[124] !== 0x80) return octal(header, 124, 12)
  const size = header.readBigUInt64BE(128)
  if (size > BigInt(Number.MAX_SAFE_INTEGER))
    throw archiveRefused('a header', 'it contains an invalid number')
  return Number(size)
}

function octal(header: Buffer, start: number, length: number): number {
  const digits = text(header, start, length).trim()
  if (!/^[0-7]{1,12}$/.test(digits)) throw archiveRefused('a header', 'it contains an invalid number')
  return Number.parseInt(digits, 8)
}
