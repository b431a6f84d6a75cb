import type { InstanceHealth } from '@rollcall/contracts/admin'
import type { ReportedState } from '@rollcall/contracts/agent'
import type { Instance, KnownReport, ReportedInstance } from './driven-instance.ts'
import { type InstanceMove, type Noted, toMove, WAIT } from './instance-move.ts'

/** Reports soon after a step may be from before it, unless they say what the step was to reach. */
export const REPORT_GRACE_MS = 15_000
/** A start that succeeded and of which nothing is heard for so long: it runs, by the answer of its start, and that is all that is known. */
export const UNHEARD_AFTER_MS = 60_000

/**
 * Decides the state of an instance for which there is nothing to do, by what its host says. Pure. Without `now` its host is silent, and what
 * was done last stands.
 */
export function settle(instance: Instance, report: KnownReport | null, now: Date | null): InstanceMove {
  if (instance.wanted === 'gone') return toMove(instance, { state: 'gone' })
  if (instance.wanted === 'stopped') return settleStopped(instance, report, now)
  // While an order waits for its turn, the one before it counts.
  const expected = instance.admittedAt === null ? instance.startedGeneration : instance.generation
  if (now === null || expected === 0) return WAIT
  if (report?.kind === 'unsupported') return toMove(instance, { ...report, state: 'running' })
  const graceEnds = graceEndOf(instance)
  if (report?.kind === 'absent') return now < graceEnds ? unheard(instance, now) : toMove(instance, ABSENT)
  const said = report?.said
  if (!said || said.generation < expected) return unheard(instance, now)
  if (said.generation > expected) return toMove(instance, newer(said))
  const isOld = instance.stepBegunAt !== null && report.at < instance.stepBegunAt
  if (isOld || (NOT_REACHED.has(said.state) && now < graceEnds)) return unheard(instance, now)
  return toMove(instance, toNoted(said))
}

const graceEndOf = ({ stepEndedAt }: Instance) => new Date((stepEndedAt?.getTime() ?? 0) + REPORT_GRACE_MS)

/** The states that a start leads away from. */
const NOT_REACHED: ReadonlySet<ReportedState> = new Set(['prepared', 'stopping', 'stopped'])

const ABSENT = {
  state: 'failed',
  code: 'instance.unknown',
  reason: 'It is no longer on its host. Start it again to bring it back.',
} as const satisfies Partial<Noted>

const newer = ({ generation }: ReportedInstance) => ({
  state: 'failed' as const,
  code: 'instance.generation_old' as const,
  reason: `Its host has generation ${generation} of it, which this server never ordered: its database may be an older backup. Plan and apply its service again.`,
})

function settleStopped(instance: Instance, report: KnownReport | null, now: Date | null): InstanceMove {
  const isHeard = report?.kind === 'reported' && instance.stepEndedAt !== null && now !== null
  if (!isHeard || report.said.state !== 'running' || now < graceEndOf(instance))
    return toMove(instance, { state: 'stopped' })
  return toMove(instance, {
    state: 'running',
    health: report.said.health,
    reason: 'It was started on its host, and not by Rollcall. Stop it again, or start it.',
  })
}

/** Nothing is heard of it since its start has succeeded. */
function unheard(instance: Instance, now: Date): InstanceMove {
  const since = instance.stepEndedAt?.getTime() ?? now.getTime()
  const until = new Date(since + UNHEARD_AFTER_MS)
  if (now < until) return toMove(instance, { state: 'starting' }, until)
  return toMove(instance, {
    state: 'running',
    reason: 'It was started, and its host does not report how it is.',
  })
}

function toNoted({ state, health, reason }: ReportedInstance): Pick<Noted, 'state'> & Partial<Noted> {
  switch (state) {
    case 'prepared':
      return { state: 'failed', reason: reason ?? 'It is on its host and does not run. Start it again.' }
    case 'stopped':
      return {
        state,
        reason: reason ?? 'It was stopped on its host, and not by Rollcall. Start it again.',
      }
    default:
      return { state, health: healthOf(state, health), reason }
  }
}

const healthOf = (state: ReportedState, health: InstanceHealth): InstanceHealth =>
  state === 'stopping' || state === 'held' ? 'unknown' : health
