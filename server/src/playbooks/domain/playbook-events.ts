import { parseJson } from '@rollcall/contracts'
import { type TaskResult, type TaskTotals, taskResult, taskTotals } from '@rollcall/contracts/admin'
import { sha256 } from '@rollcall/contracts/agent'
import { z } from 'zod'

/** The results of a playbook on one host. */
export interface PlaybookOutcome {
  tasks: TaskResult[]
  /** Results that the host counted and did not send, or that we did not keep. */
  omitted: number
  /** Null while it runs, and where it was ended before it could say. */
  totals: TaskTotals | null
  digest: string | null
  /** The host was not as the plan says, so nothing was changed. */
  isOutdated: boolean
}

export type StoredOutcome = Pick<PlaybookOutcome, 'totals' | 'tasks' | 'omitted'>

const MAX_TASKS = 2000

// A host may run another release's callback: what is not known is passed over.
const event = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('result'),
    nonce: z.string(),
    task: z.int().min(0),
    name: z.string(),
    status: taskResult.shape.status,
    ignored: z.boolean(),
    hidden: z.boolean(),
    message: z.string(),
    diff: z.string(),
    ms: z.int().min(0),
  }),
  taskTotals
    .extend({
      event: z.literal('end'),
      nonce: z.string(),
      omitted: z.int().min(0),
      digest: sha256,
    })
    .strip(),
  z.object({ event: z.literal('outdated'), nonce: z.string() }),
])

/**
 * Reads standard output as `rollcall_events` writes it. Pure. Only lines that bear the nonce count: whatever else a host
 * prints there is no event, and a line that is not whole yet is none either.
 */
export function readEvents(stdout: string, nonce: string): PlaybookOutcome {
  const outcome: PlaybookOutcome = { tasks: [], omitted: 0, totals: null, digest: null, isOutdated: false }
  for (const line of stdout.split('\n')) {
    const parsed = line.startsWith('{') ? parseJson(event, line) : undefined
    if (!parsed || parsed.nonce !== nonce) continue
    if (parsed.event === 'outdated') outcome.isOutdated = true
    else if (parsed.event === 'end') {
      const { event: _event, nonce: _nonce, omitted, digest, ...totals } = parsed
      outcome.omitted += omitted
      Object.assign(outcome, { totals, digest })
    } else if (outcome.tasks.length >= MAX_TASKS) outcome.omitted++
    else outcome.tasks.push(toResult(parsed))
  }
  return outcome
}

function toResult(said: Extract<z.infer<typeof event>, { event: 'result' }>): TaskResult {
  const { task, status, ignored, hidden, ms } = said
  return {
    task,
    status,
    isIgnored: ignored,
    isHidden: hidden,
    durationMs: ms,
    name: harmless(said.name, 300),
    message: harmless(said.message, 2000),
    diff: harmless(said.diff, 16 * 1024),
  }
}

/** Many lines may stay; what acts on a terminal or hides in a page may not, nor what no database takes. */
const harmless = (text: string, most: number) =>
  text.slice(0, most).replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\uFFFD')

/** Returns in one line why a playbook failed; null where no task says. */
export function failureOf({ tasks }: PlaybookOutcome): string | null {
  const failed = tasks.findLast(
    ({ status, isIgnored }) => (status === 'failed' || status === 'unreachable') && !isIgnored,
  )
  if (!failed) return null
  const why = failed.isHidden ? 'what it says is hidden, since it handles secrets' : failed.message
  return `Task "${failed.name}" failed: ${why}`.replace(/\s+/g, ' ').slice(0, 1500)
}
