import { randomBytes } from 'node:crypto'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { SshSession } from '../platform/ssh/index.ts'

const REMOVE_TIMEOUT_MS = 60_000

const MAKE = 'mkdir -m 0700 -- "$1" && mkdir -- "$1/$2"'
const REMOVE_OWN = 'if [ -d "$1/$2" ]; then exec rm -rf -- "$1"; fi'

/** A folder for uploads, with a mark that identifies the run that created it. */
export interface Staging {
  path: string
  mark: string
}

/**
 * Creates the folder for uploads, empty and private, after wiping remains of an interrupted run as root. The user
 * creates it, so creation fails if someone put anything in its place. Throws `host.read_only`.
 */
export async function makeStaging(session: SshSession, path: string, signal: AbortSignal): Promise<Staging> {
  await wipeStaging(session, path, signal)
  const mark = `run-${randomBytes(8).toString('hex')}`
  let said = ''
  const onOutput = (_stream: string, data: Buffer) => {
    said = (said + data.toString('utf8')).slice(0, 500)
  }
  const { exitCode } = await session.exec(['sh', '-c', MAKE, 'sh', path, mark], { onOutput, signal })
  if (exitCode === 0) return { path, mark }
  throw new RollcallError(
    'host.read_only',
    `Failed to create the folder ${path} for uploads: ${sanitizeText(said.trim(), 300) || `mkdir exited with ${exitCode}`}. Remove what is there, and check that the user may write there.`,
  )
}

/** Removes the folder unless a later run owns it. Safe to repeat. */
export function removeStaging(
  session: SshSession,
  { path, mark }: Staging,
  signal: AbortSignal,
): Promise<void> {
  return remove(session, ['sh', '-c', REMOVE_OWN, 'sh', path, mark], path, signal)
}

/** Removes the folder regardless of its owner; a missing folder is not an error. */
export function wipeStaging(session: SshSession, path: string, signal: AbortSignal): Promise<void> {
  return remove(session, ['rm', '-rf', '--', path], path, signal)
}

async function remove(session: SshSession, argv: string[], path: string, signal: AbortSignal): Promise<void> {
  const { exitCode } = await session.exec(argv, { becomeRoot: true, signal, timeoutMs: REMOVE_TIMEOUT_MS })
  if (exitCode === 0) return
  throw new RollcallError(
    'host.read_only',
    `Failed to remove the folder ${path} (exit code ${exitCode}). Remove it manually.`,
  )
}
