import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { errorCode, isDiskFault } from '../platform/files.ts'

/** What a system call said, as an error of the product; anything else that is none is a defect and is thrown on. */
export function asFailure(error: unknown, path: string): RollcallError {
  if (error instanceof RollcallError) return error
  if (!isDiskFault(error)) throw error
  const code = errorCode(error)
  const where = sanitizeText(path, 300)
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(where)
  if (code === 'EBUSY' || code === 'EXDEV') return mountPoint(path, { cause: error })
  if (code === 'ENOENT')
    return new RollcallError('file.not_found', `A folder on the way to ${where} is not there any more.`)
  if (code === 'ENAMETOOLONG')
    return new RollcallError('file.path_refused', `The path ${where} is too long for the host.`)
  if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'ELOOP')
    return new RollcallError(
      'file.not_regular',
      `Something on the way to ${where} is no folder, or the file is one.`,
    )
  return new RollcallError(
    'file.denied',
    `The host does not let ${where} be used (${code}). See whether it is read-only, immutable or on a failing disk.`,
    { cause: error },
  )
}

export const mountPoint = (path: string, options?: ErrorOptions): RollcallError =>
  new RollcallError(
    'file.denied',
    `${sanitizeText(path, 300)} is a mount point of its own (a bind mount, as containers have), so no file can take its place. Unmount it there, or place the file that is mounted.`,
    options,
  )

export const diskFull = (where: string): RollcallError =>
  new RollcallError(
    'file.disk_full',
    `The disk of the host has no room for ${where}. Make room there and send it again.`,
  )
