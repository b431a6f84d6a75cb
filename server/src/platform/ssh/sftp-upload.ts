import { randomBytes } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import type { Client, SFTPWrapper } from 'ssh2'
import { openChannel } from './open-channel.ts'
import { promisifyCall, waitForClose } from './promisify-call.ts'
import { describePlace, errorText, type SshPlace, toConnectionLostError } from './ssh-failure.ts'
import type { PutFileOptions } from './ssh-session.ts'
import { openSource, type UploadSource } from './upload-source.ts'

interface UploadOptions extends PutFileOptions {
  place: SshPlace
  gone: AbortSignal
}

const CHUNK_BYTES = 32 * 1024
// 1 MiB in flight gives 10 MB/s at a round trip of 100 ms, and still lets keepalives through on 1 Mbit/s.
const CHUNKS_IN_FLIGHT = 32

/**
 * Uploads `source` to `remotePath` over SFTP, as `SshSession.putFile` specifies. Throws `SftpUnavailable` if SFTP does
 * not work, otherwise like `putFile`.
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
    const handle = await promisifyCall<Buffer>(stop, (done) =>
      sftp.open(temporary, 'wx', { mode: options.mode }, done),
    )
    try {
      await writeAll(sftp, handle, content, { stop, onProgress: options.onProgress })
      await promisifyCall<void>(stop, (done) => sftp.fchmod(handle, options.mode, done))
      await promisifyCall<void>(stop, (done) => sftp.close(handle, done))
      await rename(sftp, temporary, remotePath, stop)
    } catch (error) {
      // The connection may be gone; the remaining file has a name that nothing reads.
      await promisifyCall<void>(stop, (done) => sftp.unlink(temporary, done)).catch(() => undefined)
      throw error
    }
  } catch (error) {
    throw gone.aborted ? gone.reason : stop.aborted ? stop.reason : toUploadError(place, remotePath, error)
  } finally {
    const closed = new Promise<void>((resolve) => sftp.once('close', resolve))
    sftp.end()
    await waitForClose(closed, gone)
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
      await promisifyCall<void>(stop, (done) => sftp.write(handle, data, 0, length, position, done))
      sent += length
      onProgress?.(sent, source.size)
    }
  }
  await Promise.all(Array.from({ length: CHUNKS_IN_FLIGHT }, lane))
}

/** Plain SFTP refuses to rename over a file; an OpenSSH extension replaces it atomically. */
async function rename(sftp: SFTPWrapper, from: string, to: string, stop: AbortSignal): Promise<void> {
  try {
    await promisifyCall<void>(stop, (done) => sftp.ext_openssh_rename(from, to, done))
  } catch (error) {
    if (!/does not support this extended request/i.test(errorText(error))) throw error
    await promisifyCall<void>(stop, (done) => sftp.unlink(to, () => done(undefined)))
    await promisifyCall<void>(stop, (done) => sftp.rename(from, to, done))
  }
}

/** SFTP is unusable on this host; the message says why. Nothing was written. */
export class SftpUnavailableError extends Error {
  override readonly name = 'SftpUnavailable'
}

/** A server that has not responded by then does not speak SFTP. */
const GREETING_TIMEOUT_MS = 15_000

async function openSftp(client: Client, place: SshPlace, stop: AbortSignal): Promise<SFTPWrapper> {
  const late = AbortSignal.timeout(GREETING_TIMEOUT_MS)
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
    throw new SftpUnavailableError(describeSftpFailure(late.aborted, error), { cause: error })
  }
}

/**
 * Closes the channel of a refused subsystem, which ssh2 leaves open and does not expose; it would count as a session
 * until the connection ends. Channels are opened one at a time, so it is the only open one.
 */
function closeRefused(client: Client): void {
  const { _channels } = (client as unknown as { _chanMgr: { _channels: Record<string, unknown> } })._chanMgr
  for (const channel of Object.values(_channels))
    if (typeof channel === 'object' && channel !== null) (channel as SFTPWrapper).end()
}

/** Returns why SFTP did not start. */
export function describeSftpFailure(isLate: boolean, error: unknown): string {
  const text = errorText(error instanceof RollcallError ? error.cause : error)
  if (isLate) return 'its SFTP server does not respond'
  if (/Unable to start subsystem/i.test(text)) return 'its sshd offers no SFTP'
  if (/packet|version|malformed|unknown/i.test(text))
    return 'something prints into the SFTP stream, probably a login file of the user, which should print only at a terminal ([ -t 1 ])'
  return `its SFTP does not start (${text})`
}

// SFTP version 3 has no status for a full disk: OpenSSH reports a bare "Failure", which has few other causes.
const STATUS_FAILURE = 4
const STATUS_DENIED = 3

function toUploadError(place: SshPlace, remotePath: string, cause: unknown): unknown {
  const status = (cause as { code?: unknown } | null)?.code
  const where = `${remotePath} on ${describePlace(place)}`
  if (status === STATUS_DENIED)
    return new RollcallError(
      'host.read_only',
      `${where} is not writable. Check the permissions of the folder, and that it is not mounted read-only.`,
      { cause },
    )
  if (status === STATUS_FAILURE)
    return new RollcallError(
      'host.no_disk',
      `Failed to write ${where}; the disk or the user's quota is probably full. Free some space, then try again.`,
      { cause },
    )
  if (/No response from server/i.test(errorText(cause)))
    return toConnectionLostError(place, `${remotePath} was being written`, cause)
  return cause
}
