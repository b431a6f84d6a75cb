import type { CheckStatus, ContainerStatus } from '@rollcall/contracts/admin'
import type { AgentResult, InstanceReport, ReportedInstance } from '@rollcall/contracts/agent'
import type { StoredReport } from './instance-row.ts'

/** A warden writes its report at least twice a minute: after this long it is silent. */
export const SILENT_AFTER_MS = 120_000
/** Instances that nobody has put on the host and that are named when this is told. */
const MAX_NAMED = 5

/** A host's report, reduced to the instances that the servers have there. */
export interface ReadReport {
  /** By the id of the instance; every one of those expected is there. */
  instances: Map<string, { report: StoredReport; containers: ContainerStatus[]; checks: CheckStatus[] }>
  /** Ids that the host reports although no server has put them there, a few of them. */
  strangers: string[]
}

/**
 * Reads what a host reports of its instances, for those that the servers have there. Pure. A host says nothing of instances on other hosts:
 * their ids are strangers here. The first word about an instance counts.
 */
export function readReport({ instances: reported }: InstanceReport, expected: readonly string[]): ReadReport {
  const instances: ReadReport['instances'] = new Map()
  const strangers = new Set<string>()
  const isExpected = new Set(expected)
  for (const one of reported) {
    const { instance, generation, state, health, reason, since_ms: sinceMs } = one
    if (!isExpected.has(instance)) strangers.add(instance)
    else if (!instances.has(instance))
      instances.set(instance, {
        report: { kind: 'reported', sinceMs, generation, state, health, reason },
        containers: one.containers.map(toContainer),
        checks: one.checks.map(toCheck),
      })
  }
  for (const id of expected)
    if (!instances.has(id)) instances.set(id, { report: { kind: 'absent' }, containers: [], checks: [] })
  return { instances, strangers: [...strangers].slice(0, MAX_NAMED) }
}

const toContainer = ({
  name,
  state,
  restarts,
  exit_code,
  started_at_ms,
}: ReportedInstance['containers'][number]): ContainerStatus => ({
  name,
  state,
  restarts: Math.min(restarts, Number.MAX_SAFE_INTEGER),
  exitCode: exit_code,
  startedAt: toTime(started_at_ms),
})

const toCheck = ({
  container,
  kind,
  state,
  detail,
  at_ms,
}: ReportedInstance['checks'][number]): CheckStatus => ({
  container,
  kind,
  state,
  detail,
  at: toTime(at_ms),
})

/** The end of what a date can be. */
const MAX_TIME_MS = 8.64e15

const toTime = (ms: number | null): string | null =>
  ms === null || ms > MAX_TIME_MS ? null : new Date(ms).toISOString()

/** Tells why nothing is known of the instances of a host that answers; null where its report can be relied on. Pure. */
export function toUnreportable({
  failure,
  age_ms: ageMs,
}: Pick<AgentResult<'get_instances'>, 'failure' | 'age_ms'>): StoredReport | null {
  if (failure !== null)
    return {
      kind: 'unsupported',
      code: 'agent.invalid_answer',
      reason: `Its host cannot report how it is: ${failure}`,
    }
  if (ageMs === null || ageMs < SILENT_AFTER_MS) return null
  const minutes = Math.floor(ageMs / 60_000)
  return {
    kind: 'unsupported',
    code: 'agent.invalid_answer',
    reason: `The warden of its host has been silent for ${minutes} minutes. Look there: systemctl status rollcall-warden`,
  }
}

/** Stands for a report where there is none, such as after a boot until the warden has looked. That is not a report without instances. */
export const NO_REPORT: StoredReport = {
  kind: 'unsupported',
  code: 'instance.unknown',
  reason:
    'Its host has no report of instances. If that stays so, its warden does not run. Look there: systemctl status rollcall-warden',
}

/** Stands for a report where the agent is of a release that has none. */
export const TOO_OLD: StoredReport = {
  kind: 'unsupported',
  code: 'agent.method_unknown',
  reason:
    'The agent of its host is too old to tell how it is. Upgrade it: rollcall upgrade start --host NAME',
}
