import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { treePath } from '@rollcall/contracts/agent'

export interface TarMember {
  /** Relative, with slashes. */
  path: string
  /** Permission bits. */
  mode: number
  data: Buffer
}

const BLOCK = 512
/** Header types for long names and other pax attributes of the next member. */
const EXTENSIONS = ['x', 'L', 'K']
/** The type of a global pax header, in which "git archive" records the commit. */
const COMMENT = 'g'

/**
 * Reads the files of an uncompressed POSIX tar archive and skips folders and git's comment. Throws `file.path_refused`
 * for links, devices, damage, and paths that are absolute or contain `..`.
 */
export function readTar(archive: Buffer): TarMember[] {
  const members: TarMember[] = []
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) break
    if (!isChecksumValid(header)) throw refused('a header', 'it is damaged')
    const path = readPath(header)
    const size = octal(header, 124, 12)
    const type = String.fromCharCode(header[156] ?? 0)
    at += BLOCK
    if (at + size > archive.length) throw refused(path, 'the archive is truncated')
    if (type === '0' || type === '\0')
      members.push({
        path: requireTreePath(path),
        mode: octal(header, 100, 8) & 0o777,
        data: archive.subarray(at, at + size),
      })
    else if (EXTENSIONS.includes(type))
      throw refused(path, 'its format is not supported; create the archive with --format=ustar')
    else if (type !== '5' && type !== COMMENT) throw refused(path, 'it is neither a file nor a folder')
    at += Math.ceil(size / BLOCK) * BLOCK
  }
  return members
}

function readPath(header: Buffer): string {
  const name = text(header, 0, 100)
  const prefix =
    header.toString('latin1', 257, 262) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : ''
  return (prefix === '' ? name : `${prefix}/${name}`).replace(/^\.\//, '')
}

function requireTreePath(path: string): string {
  const parsed = treePath.safeParse(path)
  if (parsed.success && !path.startsWith('/')) return path
  throw refused(path, 'its path is not allowed')
}

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

function octal(header: Buffer, start: number, length: number): number {
  const digits = text(header, start, length).trim()
  if (!/^[0-7]{1,12}$/.test(digits)) throw refused('a header', 'it contains an invalid number')
  return Number.parseInt(digits, 8)
}

const refused = (what: string, why: string) =>
  new RollcallError('file.path_refused', `The archive was refused: ${sanitizeText(what, 200)}: ${why}.`)
