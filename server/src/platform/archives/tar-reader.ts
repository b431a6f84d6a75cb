import { archiveRefused, isTarEnd, parseTarHeader, requireTreePath, TAR_BLOCK } from './tar-header.ts'

export interface TarMember {
  /** Relative, with slashes. */
  path: string
  /** Permission bits. */
  mode: number
  data: Buffer
}

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
  for (let at = 0; at + TAR_BLOCK <= archive.length; ) {
    const block = archive.subarray(at, at + TAR_BLOCK)
    if (isTarEnd(block)) break
    const { path, size, type, mode } = parseTarHeader(block)
    at += TAR_BLOCK
    if (at + size > archive.length) throw archiveRefused(path, 'the archive is truncated')
    if (type === '0' || type === '\0')
      members.push({ path: requireTreePath(path), mode, data: archive.subarray(at, at + size) })
    else if (EXTENSIONS.includes(type))
      throw archiveRefused(path, 'its format is not supported; create the archive with --format=ustar')
    else if (type !== '5' && type !== COMMENT) throw archiveRefused(path, 'it is neither a file nor a folder')
    at += Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
  }
  return members
}
