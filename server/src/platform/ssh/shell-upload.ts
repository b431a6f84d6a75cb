import { randomBytes } from 'node:crypto'
import { type ErrorCode, RollcallError, sanitizeText } from '@rollcall/contracts'
import type { ChannelInput } from './program-channel.ts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { PutFileOptions, SshExecOptions, SshExecResult } from './ssh-session.ts'
import { hashSource, openSource, toPieces } from './upload-source.ts'

const PIECE_BYTES = 64 * 1024
/** The timeout for 64 MB on slow links; keepalives detect dead ones. */
const TIMEOUT_MS = 3_600_000
const MAX_OUTPUT_BYTES = 2000

const EXIT_NOT_WRITTEN = 90
const EXIT_OTHER_HASH = 91
const EXIT_NO_TOOL = 92

/** Receives content on standard input as <temporary> <path> <mode> <hash>, and leaves nothing behind on failure. */
const RECEIVE = `
export LC_ALL=C
command -v sha256sum >/dev/null || exit ${EXIT_NO_TOOL}
umask 077
set -C
cat >"$1" || { rm -f -- "$1"; exit ${EXIT_NOT_WRITTEN}; }
sum=$(sha256sum <"$1")
[ "\${sum%% *}" = "$4" ] || { rm -f -- "$1"; exit ${EXIT_OTHER_HASH}; }
chmod -- "$3" "$1" && mv -f -- "$1" "$2" || { rm -f -- "$1"; exit ${EXIT_NOT_WRITTEN}; }
`.trim()

type Exec = (
  argv: readonly string[],
  options: Omit<SshExecOptions, 'stdin'> & { stdin: ChannelInput },
) => Promise<SshExecResult>

/**
 * Uploads `source` to `remotePath` with `cat` in a shell, for hosts without working SFTP. The host verifies the hash
 * before the file gets its name. Throws `host.no_disk`, `host.read_only`, `ssh.transfer_failed`, or what `exec` throws.
 */
export async function uploadThroughShell(
  exec: Exec,
  place: SshPlace,
  source: string | Buffer,
  remotePath: string,
  { mode, onProgress, signal }: PutFileOptions,
): Promise<void> {
  await using content = await openSource(source)
  const expected = await hashSource(content, PIECE_BYTES)
  const temporary = `${remotePath}.${randomBytes(6).toString('hex')}.part`
  async function* stdin() {
    let sent = 0
    for await (const piece of toPieces(content, PIECE_BYTES)) {
      yield piece
      sent += piece.length
      onProgress?.(sent, content.size)
    }
  }
  let said = ''
  const { exitCode } = await exec(
    ['sh', '-c', RECEIVE, 'sh', temporary, remotePath, mode.toString(8), expected],
    {
      stdin,
      timeoutMs: TIMEOUT_MS,
      ...(signal && { signal }),
      onOutput: (_stream, data) => {
        said = (said + data.toString('utf8')).slice(-MAX_OUTPUT_BYTES)
      },
    },
  )
  if (exitCode !== 0) throw toUploadError(place, remotePath, exitCode, said)
}

function toUploadError(
  place: SshPlace,
  remotePath: string,
  exitCode: number | null,
  said: string,
): RollcallError {
  const where = `${remotePath} on ${describePlace(place)}`
  const words = sanitizeText(said.replace(/\s+/g, ' ').trim(), 300)
  if (exitCode === EXIT_NO_TOOL)
    return new RollcallError(
      'ssh.transfer_failed',
      `${describePlace(place)} has neither SFTP nor sha256sum. Install coreutils on the host, or add "Subsystem sftp internal-sftp" to its sshd_config and restart sshd.`,
    )
  if (exitCode === EXIT_OTHER_HASH)
    return new RollcallError(
      'ssh.transfer_failed',
      `${where} was altered in transit and removed: a login file of user ${place.user} or something on the path changes the data. Add "Subsystem sftp internal-sftp" to its sshd_config and restart sshd.`,
    )
  const [code, why] = toCause(words)
  return new RollcallError(code, `Failed to write ${where}: ${words || `exit code ${exitCode}`}. ${why}`)
}

function toCause(words: string): [ErrorCode, string] {
  if (/No space left|quota exceeded/i.test(words)) return ['host.no_disk', 'Free some space, then try again.']
  if (/Read-only file system|Permission denied/i.test(words))
    return ['host.read_only', 'Check the permissions of the folder, and that it is not mounted read-only.']
  return ['ssh.transfer_failed', 'Fix the cause on the host, then try again.']
}
