import { type ErrorCode, isErrorCode, RollcallError, sanitizeText } from '@rollcall/contracts'
import { z } from 'zod'
import { hostProgram } from '../platform/archives/host-program.ts'
import type { SshSession } from '../platform/ssh/index.ts'
import type { HostLog } from './host-session.ts'

const PLAYBOOK_TIMEOUT_MS = 600_000
const MAX_RESULT_BYTES = 64 * 1024
const EXIT_NO_TOOLS = 71
const EXIT_AGENT_TAKEN = 72

const playbookResult = z.object({
  changed: z.int().min(0),
  failures: z.array(z.object({ task: z.string(), message: z.string() })).max(10),
})
export type PlaybookResult = z.infer<typeof playbookResult>

export interface PlaybookRun {
  staging: string
  toolsVersion: string
  /** The owner to record on the host, and the recorded one as found, so that a concurrent run is noticed. */
  owner: string
  foundOwner: string | undefined
  log: HostLog
  signal: AbortSignal
}

/**
 * Runs the staged job on the host and streams its output; it ends if the connection does.
 * Throws the bracketed code at the start of a task's message, `host.no_disk`, `host.read_only`, or
 * `install.playbook_failed` naming the task.
 */
export async function runPlaybook(session: SshSession, run: PlaybookRun): Promise<PlaybookResult> {
  const { staging, toolsVersion, owner, foundOwner = '', log, signal } = run
  const given = { staging, 'tools-version': toolsVersion, owner, 'found-owner': foundOwner }
  const options = Object.entries(given).map(([name, value]) => `--${name}=${value}`)
  const { argv, stdin } = await hostProgram(['install', ...options])
  let lastErrors = ''
  const { exitCode, signal: killedBy } = await session.exec(argv, {
    becomeRoot: true,
    stdin,
    isStdinHeldOpen: true,
    timeoutMs: PLAYBOOK_TIMEOUT_MS,
    signal,
    onOutput: (stream, data) => {
      if (stream === 'stderr') lastErrors = (lastErrors + data.toString('utf8')).slice(-2000)
      return log.output(stream, data)
    },
  })
  const result = await readResult(session, `${staging}/result.json`, signal)
  if (exitCode === 0 && result) return result
  const failure = result?.failures.at(-1)
  if (failure) throw toPlaybookError(failure.message, `Task "${sanitizeText(failure.task, 200)}" failed`)
  if (exitCode === EXIT_AGENT_TAKEN)
    throw new RollcallError(
      'host.agent_taken',
      'Another host or server installed its agent there at the same time; it was left unchanged. Remove one of the two.',
    )
  const ending = killedBy ? `was ended by SIG${killedBy}` : `exited with ${exitCode}`
  const what =
    exitCode === EXIT_NO_TOOLS ? 'Failed to unpack the tools' : `The playbook ${ending} without a result`
  throw toPlaybookError(lastErrors.trim().split('\n').at(-1) ?? '', what)
}

/** Converts a failure to an error, with the code that the host reported if it reported one. */
export function toPlaybookError(message: string, what: string): RollcallError {
  const [, code, rest] = /^\s*\[([a-z._]{1,60})\]\s*(.*)$/s.exec(message) ?? []
  if (isErrorCode(code)) return new RollcallError(code, sanitizeText(rest ?? '', 1500))
  const said = message === '' ? '.' : `: ${sanitizeText(message.replace(/\s+/g, ' '), 1500)}`
  const system: [RegExp, ErrorCode, string][] = [
    [
      /No space left on device|Disk quota exceeded/i,
      'host.no_disk',
      ' Free disk space on the host and install again.',
    ],
    [/Read-only file system/i, 'host.read_only', ' Mount it read-write and install again.'],
  ]
  const found = system.find(([pattern]) => pattern.test(message))
  const remedy = found?.[2] ?? ' See the log above; installing again continues from here.'
  return new RollcallError(found?.[1] ?? 'install.playbook_failed', `${what}${said}${remedy}`)
}

async function readResult(
  session: SshSession,
  path: string,
  signal: AbortSignal,
): Promise<PlaybookResult | undefined> {
  let text = ''
  const onOutput = (stream: string, data: Buffer) => {
    if (stream === 'stdout' && text.length <= MAX_RESULT_BYTES) text += data.toString('utf8')
  }
  const { exitCode } = await session.exec(['cat', '--', path], { becomeRoot: true, onOutput, signal })
  if (exitCode !== 0) return undefined
  try {
    return playbookResult.parse(JSON.parse(text))
  } catch (error) {
    throw new RollcallError(
      'install.playbook_failed',
      'The result file of the playbook is unreadable. Install again.',
      { cause: error },
    )
  }
}
