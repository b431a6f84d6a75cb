import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { RollcallError } from '@rollcall/contracts'
import type { Client, SFTPWrapper } from 'ssh2'
import { connectionLost, describePlace, errorText, type SshPlace } from './ssh-failure.ts'
import type { PutFileOptions } from './ssh-session.ts'

interface UploadOptions extends PutFileOptions {
  place: SshPlace
  gone: AbortSignal
}

const CHUNK_BYTES = 32 * 1024
// 1 MiB on its way: 10 MB/s at a round trip of 100 ms, and still little enough for keepalives to get through on 1 Mbit/s.
const CHUNKS_IN_FLIGHT = 32

/** Writes `source` to `remotePath` as `SshSession.putFile` promises. */
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
    sftp.end()
  }
}

interface Source extends AsyncDisposable {
  size: number
  read(position: number, length: number): Promise<Buffer>
}

async function openSource(source: string | Buffer): Promise<Source> {
  if (Buffer.isBuffer(source)) {
    const read = async (position: number, length: number) => source.subarray(position, position + length)
    return { size: source.length, read, [Symbol.asyncDispose]: async () => undefined }
  }
  const file = await open(source, 'r')
  const { size } = await file.stat()
  return {
    size,
    read: (position, length) => readExactly(file, position, length),
    [Symbol.asyncDispose]: () => file.close(),
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  if (bytesRead !== length) throw new Error('the file became shorter while it was being sent')
  return buffer
}

interface Progress {
  stop: AbortSignal
  onProgress: PutFileOptions['onProgress']
}

async function writeAll(
  sftp: SFTPWrapper,
  handle: Buffer,
  source: Source,
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

function openSftp(client: Client, place: SshPlace, stop: AbortSignal): Promise<SFTPWrapper> {
  return call<SFTPWrapper>(stop, (done) => client.sftp(done)).catch((error: unknown) => {
    if (stop.aborted) throw stop.reason
    throw new RollcallError(
      'ssh.no_sftp',
      `${describePlace(place)} has no SFTP (${errorText(error)}). Put "Subsystem sftp internal-sftp" into its sshd_config and restart sshd.`,
      { cause: error },
    )
  })
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
