import { randomBytes } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import type { Client, SFTPWrapper } from 'ssh2'
import { openChannel } from './open-channel.ts'
import { connectionLost, describePlace, errorText, type SshPlace } from './ssh-failure.ts'
import type { PutFileOptions } from './ssh-session.ts'
import { openSource, type UploadSource } from './upload-source.ts'

interface UploadOptions extends PutFileOptions {
  place: SshPlace
  gone: AbortSignal
}

const CHUNK_BYTES = 32 * 1024
// 1 MiB on its way: 10 MB/s at a round trip of 100 ms, and still little enough for keepalives to get through on 1 Mbit/s.
const CHUNKS_IN_FLIGHT = 32
const CLOSE_WITHIN_MS = 2_000

/**
 * Writes `source` to `remotePath` by SFTP, as `SshSession.putFile` promises.
 * @throws SftpUnavailable where the host has none that works; otherwise as `putFile`.
 */
export async function uploadFile(
  client: Client,
  source: string | Buffer,
  remotePath: string,
  options: UploadOptions,
): Promise<void> {
  const { gone, signal, place } = options
  const stop = signal ? AbortSignal.any([gone, signal]) : gone
  const sftp = await openSftp(client, place, stop)
  const temporary = `${remotePath}.${randomBytes(6).toString('hex')}.part`
  try {
    await using content = await openSource(source)
    const handle = await call<Buffer>(stop, (done) =>
      sftp.open(temporary, 'wx', { mode: options.mode }, done),
    )
    try {
      await writeAll(sftp, handle, content, { stop, onProgress: options.onProgress })
      await call<void>(stop, (done) => sftp.fchmod(handle, options.mode, done))
      await call<void>(stop, (done) => sftp.close(handle, done))
      await rename(sftp, temporary, remotePath, stop)
    } catch (error) {
      // The connection may be gone: what is left has a name that nothing reads.
      await call<void>(stop, (done) => sftp.unlink(temporary, done)).catch(() => undefined)
      throw error
    }
  } catch (error) {
    throw gone.aborted ? gone.reason : stop.aborted ? stop.reason : translate(place, remotePath, error)
  } finally {
    const closed = new Promise<void>((resolve) => sftp.once('close', resolve))
    sftp.end()
    // The next channel may be refused while this one is open.
    await call(
      AbortSignal.any([gone, AbortSignal.timeout(CLOSE_WITHIN_MS)]),
      (done) => void closed.then(() => done()),
    ).catch(() => undefined)
  }
}

interface Progress {
  stop: AbortSignal
  onProgress: PutFileOptions['onProgress']
}

async function writeAll(
  sftp: SFTPWrapper,
  handle: Buffer,
  source: UploadSource,
  { stop, onProgress }: Progress,
): Promise<void> {
  let next = 0
  let sent = 0
  const lane = async () => {
    while (next < source.size) {
      const position = next
      const length = Math.min(CHUNK_BYTES, source.size - position)
      next += length
      const data = await source.read(position, length)
      await call<void>(stop, (done) => sftp.write(handle, data, 0, length, position, done))
      sent += length
      onProgress?.(sent, source.size)
    }
  }
  await Promise.all(Array.from({ length: CHUNKS_IN_FLIGHT }, lane))
}

/** Plain SFTP refuses to rename over a file; OpenSSH has an extension that replaces it in one step. */
async function rename(sftp: SFTPWrapper, from: string, to: string, stop: AbortSignal): Promise<void> {
  try {
    await call<void>(stop, (done) => sftp.ext_openssh_rename(from, to, done))
  } catch (error) {
    if (!/does not support this extended request/i.test(errorText(error))) throw error
    await call<void>(stop, (done) => sftp.unlink(to, () => done(undefined)))
    await call<void>(stop, (done) => sftp.rename(from, to, done))
  }
}

/** SFTP cannot be used on this host; the message says why. Nothing was written. */
export class SftpUnavailable extends Error {
  override readonly name = 'SftpUnavailable'
}

/** A server that greets later than this does not speak SFTP. */
const GREET_WITHIN_MS = 15_000

async function openSftp(client: Client, place: SshPlace, stop: AbortSignal): Promise<SFTPWrapper> {
  const late = AbortSignal.timeout(GREET_WITHIN_MS)
  let opened: SFTPWrapper | undefined
  try {
    return await openChannel<SFTPWrapper>(place, 'SFTP', AbortSignal.any([stop, late]), (done) =>
      client.sftp((error, sftp) => {
        opened = sftp
        if (late.aborted) sftp?.end()
        done(error, sftp)
      }),
    )
  } catch (error) {
    opened?.end()
    closeRefused(client)
    stop.throwIfAborted()
    throw new SftpUnavailable(whyNoSftp(late.aborted, error), { cause: error })
  }
}

/**
 * Closes the channel of a refused subsystem, which ssh2 leaves open and hands to nobody: it would count as a session for as
 * long as the connection lives. Channels are open one at a time, so whatever is open is that one.
 */
function closeRefused(client: Client): void {
  const { _channels } = (client as unknown as { _chanMgr: { _channels: Record<string, unknown> } })._chanMgr
  for (const channel of Object.values(_channels))
    if (typeof channel === 'object' && channel !== null) (channel as SFTPWrapper).end()
}

/** Says in words why SFTP did not open. */
export function whyNoSftp(isLate: boolean, error: unknown): string {
  const text = errorText(error instanceof RollcallError ? error.cause : error)
  if (isLate) return 'its SFTP server does not answer'
  if (/Unable to start subsystem/i.test(text)) return 'its sshd offers no SFTP'
  if (/packet|version|malformed|unknown/i.test(text))
    return 'something is printed into SFTP, most likely by a login file of the user, which should print at a terminal only ([ -t 1 ])'
  return `its SFTP does not start (${text})`
}

/** One callback-style call as a promise that also ends when `stop` does, since a lost connection may never call back. */
function call<T>(
  stop: AbortSignal,
  start: (done: (error?: Error | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (stop.aborted) {
      reject(stop.reason)
      return
    }
    const onStop = () => reject(stop.reason)
    stop.addEventListener('abort', onStop, { once: true })
    start((error, value) => {
      stop.removeEventListener('abort', onStop)
      if (error) reject(error)
      else resolve(value as T)
    })
  })
}

// SFTP version 3 has no status for a full disk: OpenSSH answers a bare "Failure", which writing gives for little else.
const STATUS_FAILURE = 4
const STATUS_DENIED = 3

function translate(place: SshPlace, remotePath: string, cause: unknown): unknown {
  const status = (cause as { code?: unknown } | null)?.code
  const where = `${remotePath} on ${describePlace(place)}`
  if (status === STATUS_DENIED)
    return new RollcallError(
      'host.read_only',
      `${where} may not be written. Check the permissions of the folder, and that it is not mounted read-only.`,
      { cause },
    )
  if (status === STATUS_FAILURE)
    return new RollcallError(
      'host.no_disk',
      `${where} could not be written; most likely the disk or the user's quota is full. Make room and try again.`,
      { cause },
    )
  if (/No response from server/i.test(errorText(cause)))
    return connectionLost(place, `${remotePath} was being written`, cause)
  return cause
}
