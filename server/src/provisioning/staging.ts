import { randomBytes } from 'node:crypto'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { SshSession } from '../platform/ssh/index.ts'

const REMOVE_TIMEOUT_MS = 60_000

const MAKE = 'mkdir -m 0700 -- "$1" && mkdir -- "$1/$2"'
const REMOVE_OWN = 'if [ -d "$1/$2" ]; then exec rm -rf -- "$1"; fi'

/** A folder for uploads, and the mark by which a run knows it from one that a later run made under the same name. */
export interface Staging {
  path: string
  mark: string
}

/**
 * Makes the folder that uploads wait in, empty and closed to everybody else. What a run that died left there is wiped,
 * as root, since parts of it may be root's; the folder itself is made by the user, who uploads as such, and making it
 * fails when somebody put anything in its place.
 * @throws `host.read_only` when it cannot be made.
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
    `The folder ${path} for uploads cannot be made: ${sanitizeText(said.trim(), 300) || `mkdir exited with ${exitCode}`}. Remove what is there, and check that the user may write there.`,
  )
}

/** Removes the folder unless it is a later run's by now. Safe to repeat. */
export function removeStaging(
  session: SshSession,
  { path, mark }: Staging,
  signal: AbortSignal,
): Promise<void> {
  return remove(session, ['sh', '-c', REMOVE_OWN, 'sh', path, mark], path, signal)
}

/** Removes the folder, whoever made it. Nothing there is no error. */
export function wipeStaging(session: SshSession, path: string, signal: AbortSignal): Promise<void> {
  return remove(session, ['rm', '-rf', '--', path], path, signal)
}

async function remove(session: SshSession, argv: string[], path: string, signal: AbortSignal): Promise<void> {
  const { exitCode } = await session.exec(argv, { becomeRoot: true, signal, timeoutMs: REMOVE_TIMEOUT_MS })
  if (exitCode === 0) return
  throw new RollcallError(
    'host.read_only',
    `The folder ${path} cannot be removed (exit code ${exitCode}). Remove it by hand.`,
  )
}
