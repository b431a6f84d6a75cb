import { RollcallError } from '@rollcall/contracts'
import type { SshSession } from '../platform/ssh/index.ts'

const REMOVE_TIMEOUT_MS = 60_000

/**
 * Makes the folder that uploads wait in, empty and closed to everybody else. What a run that died left there is wiped,
 * as root, since parts of it may be root's; the folder itself is made by the user, who uploads as such, and making it
 * fails when somebody put anything in its place.
 * @throws `host.read_only` when it cannot be made.
 */
export async function makeStaging(session: SshSession, path: string, signal: AbortSignal): Promise<void> {
  await removeStaging(session, path, signal)
  let said = ''
  const onOutput = (_stream: string, data: Buffer) => {
    said = (said + data.toString('utf8')).slice(0, 500)
  }
  const { exitCode } = await session.exec(['mkdir', '-m', '0700', '--', path], { onOutput, signal })
  if (exitCode === 0) return
  throw new RollcallError(
    'host.read_only',
    `The folder ${path} for uploads cannot be made: ${said.trim() || `mkdir exited with ${exitCode}`}. Remove what is there, and check that the user may write there.`,
  )
}

/** Safe to repeat; nothing there is no error. */
export async function removeStaging(session: SshSession, path: string, signal: AbortSignal): Promise<void> {
  const { exitCode } = await session.exec(['rm', '-rf', '--', path], {
    becomeRoot: true,
    signal,
    timeoutMs: REMOVE_TIMEOUT_MS,
  })
  if (exitCode !== 0)
    throw new RollcallError(
      'host.read_only',
      `The folder ${path} cannot be removed (rm exited with ${exitCode}). Remove it by hand.`,
    )
}
