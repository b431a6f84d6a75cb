import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { errorCode, isDiskFault } from '../platform/files.ts'

/** Converts the error of a system call to a `RollcallError`. Rethrows any other error, which is a defect. */
export function toFileError(error: unknown, path: string): RollcallError {
  if (error instanceof RollcallError) return error
  if (!isDiskFault(error)) throw error
  const code = errorCode(error)
  const where = sanitizeText(path, 300)
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(where)
  if (code === 'EBUSY' || code === 'EXDEV') return mountPoint(path, { cause: error })
  if (code === 'ENOENT')
    return new RollcallError('file.not_found', `A folder of the path ${where} was removed.`)
  if (code === 'ENAMETOOLONG')
    return new RollcallError('file.path_refused', `The path ${where} is too long for the host.`)
  if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'ELOOP')
    return new RollcallError(
      'file.not_regular',
      `A component of the path ${where} is not a folder, or the file is one.`,
    )
  return new RollcallError(
    'file.denied',
    `The host denies access to ${where} (${code}). Check whether it is read-only, immutable or on a failing disk.`,
    { cause: error },
  )
}

export const mountPoint = (path: string, options?: ErrorOptions): RollcallError =>
  new RollcallError(
    'file.denied',
    `${sanitizeText(path, 300)} is a mount point (such as a container's bind mount), so no file can replace it. Unmount it, or write to the mounted file's own path.`,
    options,
  )

export const diskFull = (where: string): RollcallError =>
  new RollcallError(
    'file.disk_full',
    `The disk of the host has no room for ${where}. Make room there and send it again.`,
  )
