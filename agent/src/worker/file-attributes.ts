import { execFileSync } from 'node:child_process'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { helperEnvironment } from '../platform/helper-environment.ts'

const TIMEOUT_MS = 30_000

/**
 * Copies access lists and extended attributes (capabilities among them) between open files by cp(1), since Node lacks the system
 * calls; descriptors keep either file from being replaced. Throws `file.denied` if they cannot be copied.
 */
export function copyAttributes(from: number, to: number, path: string): void {
  const toPath = (fd: number) => `/proc/${process.pid}/fd/${fd}`
  try {
    execFileSync('cp', ['--attributes-only', '--preserve=mode,xattr', '--', toPath(from), toPath(to)], {
      env: helperEnvironment(),
      timeout: TIMEOUT_MS,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  } catch (error) {
    const reason = sanitizeText(
      String((error as { stderr?: Buffer }).stderr ?? (error as Error).message),
      300,
    )
    throw new RollcallError(
      'file.denied',
      `The access list and capabilities of ${sanitizeText(path, 300)} cannot be copied, so it was left unchanged: ${reason}`,
      { cause: error },
    )
  }
}
