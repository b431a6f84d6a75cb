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
/** Names that are too long for a header, and what else pax says of the member that follows. */
const EXTENSIONS = ['x', 'L', 'K']
/** The type of a global pax header: "git archive" puts the commit's id there. */
const COMMENT = 'g'

/**
 * The files of a POSIX tar archive, which is not compressed. Folders are passed over, and what git says of the commit.
 * @throws RollcallError `file.path_refused` for a member that is a link or a device, that is absolute or has `..` in it, or is damaged.
 */
export function readTar(archive: Buffer): TarMember[] {
  const members: TarMember[] = []
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) break
    if (!isWhole(header)) throw refused('a header', 'it is damaged')
    const path = pathIn(header)
    const size = octal(header, 124, 12)
    const type = String.fromCharCode(header[156] ?? 0)
    at += BLOCK
    if (at + size > archive.length) throw refused(path, 'the archive ends in the middle of it')
    if (type === '0' || type === '\0')
      members.push({
        path: checked(path),
        mode: octal(header, 100, 8) & 0o777,
        data: archive.subarray(at, at + size),
      })
    else if (EXTENSIONS.includes(type))
      throw refused(path, 'it is of a form that not every tar reads; pack it with --format=ustar')
    else if (type !== '5' && type !== COMMENT) throw refused(path, 'it is neither a file nor a folder')
    at += Math.ceil(size / BLOCK) * BLOCK
  }
  return members
}

function pathIn(header: Buffer): string {
  const name = text(header, 0, 100)
  const prefix =
    header.toString('latin1', 257, 262) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : ''
  return (prefix === '' ? name : `${prefix}/${name}`).replace(/^\.\//, '')
}

function checked(path: string): string {
  const parsed = treePath.safeParse(path)
  if (parsed.success && !path.startsWith('/')) return path
  throw refused(path, 'its path leads elsewhere')
}

/** The header's own sum, over all its bytes with the sum's taken for blanks. */
function isWhole(header: Buffer): boolean {
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
  if (!/^[0-7]{1,12}$/.test(digits)) throw refused('a header', 'it holds no number where one should be')
  return Number.parseInt(digits, 8)
}

const refused = (what: string, why: string) =>
  new RollcallError('file.path_refused', `The archive is not used: ${sanitizeText(what, 200)}: ${why}.`)
