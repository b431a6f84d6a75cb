import { randomBytes } from 'node:crypto'
import { type ErrorCode, RollcallError, sanitizeText } from '@rollcall/contracts'
import type { ChannelInput } from './program-channel.ts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { PutFileOptions, SshExecOptions, SshExecResult } from './ssh-session.ts'
import { openSource, sha256Of, toPieces } from './upload-source.ts'

const PIECE_BYTES = 64 * 1024
/** For 64 MB: slow links are slow, and a dead one is noticed by its keepalives. */
const TIMEOUT_MS = 3_600_000
const MAX_SAID_BYTES = 2000

const EXIT_NOT_WRITTEN = 90
const EXIT_OTHER_HASH = 91
const EXIT_NO_TOOL = 92

/** <temporary> <path> <mode> <hash>: takes the content from standard input, and leaves nothing when anything is amiss. */
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
 * Writes `source` to `remotePath` by `cat` in a shell, for a host without a working SFTP. The host compares the hash before
 * the file gets its name.
 * @throws `host.no_disk`, `host.read_only`, `ssh.transfer_failed`, what `exec` throws.
 */
export async function uploadThroughShell(
  exec: Exec,
  place: SshPlace,
  source: string | Buffer,
  remotePath: string,
  { mode, onProgress, signal }: PutFileOptions,
): Promise<void> {
  await using content = await openSource(source)
  const expected = await sha256Of(content, PIECE_BYTES)
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
        said = (said + data.toString('utf8')).slice(-MAX_SAID_BYTES)
      },
    },
  )
  if (exitCode !== 0) throw refusal(place, remotePath, exitCode, said)
}

function refusal(place: SshPlace, remotePath: string, exitCode: number | null, said: string): RollcallError {
  const where = `${remotePath} on ${describePlace(place)}`
  const words = sanitizeText(said.replace(/\s+/g, ' ').trim(), 300)
  if (exitCode === EXIT_NO_TOOL)
    return new RollcallError(
      'ssh.transfer_failed',
      `${describePlace(place)} has neither SFTP nor sha256sum. Install coreutils there, or put "Subsystem sftp internal-sftp" into its sshd_config and restart sshd.`,
    )
  if (exitCode === EXIT_OTHER_HASH)
    return new RollcallError(
      'ssh.transfer_failed',
      `${where} arrived changed and was removed: something between the two, or a login file of user ${place.user}, alters what goes through. Put "Subsystem sftp internal-sftp" into its sshd_config and restart sshd.`,
    )
  const [code, why] = cause(words)
  return new RollcallError(code, `${where} could not be written: ${words || `exit code ${exitCode}`}. ${why}`)
}

function cause(words: string): [ErrorCode, string] {
  if (/No space left|quota exceeded/i.test(words)) return ['host.no_disk', 'Make room and try again.']
  if (/Read-only file system|Permission denied/i.test(words))
    return ['host.read_only', 'Check the permissions of the folder, and that it is not mounted read-only.']
  return ['ssh.transfer_failed', 'Mend that there and try again.']
}
