import { execFileSync } from 'node:child_process'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { workerEnvironment } from '../runner/child-environment.ts'

const COPY_MS = 30_000

/**
 * Copies access lists and extended attributes, of which capabilities are one, from one open file to another, by coreutils' cp(1): Node has no
 * system calls for them. Both are named by their descriptors, so nobody can exchange either. Throws `file.denied` where they cannot be kept.
 */
export function copyAttributes(from: number, to: number, path: string): void {
  const named = (fd: number) => `/proc/${process.pid}/fd/${fd}`
  try {
    execFileSync('cp', ['--attributes-only', '--preserve=mode,xattr', '--', named(from), named(to)], {
      env: workerEnvironment(),
      timeout: COPY_MS,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  } catch (error) {
    const said = sanitizeText(String((error as { stderr?: Buffer }).stderr ?? (error as Error).message), 300)
    throw new RollcallError(
      'file.denied',
      `The access list and capabilities of ${sanitizeText(path, 300)} cannot be kept, so it was left as it is: ${said}`,
      { cause: error },
    )
  }
}
