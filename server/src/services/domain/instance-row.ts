import { isErrorCode } from '@rollcall/contracts'
import type {
  Instance,
  InstanceHost,
  InstanceStepName,
  KnownReport,
  ReportedInstance,
  StepFailures,
} from './driven-instance.ts'

/** A report as it is stored, beside the time at which it was heard. */
export type StoredReport =
  /** `sinceMs` is the host's time: two reports that differ in nothing else are of two moments. */
  | ({ kind: 'reported'; sinceMs: number } & ReportedInstance)
  | { kind: 'absent' }
  | { kind: 'unsupported'; code: string; reason: string }

/** The fields of an instance that its row holds under the same names. */
type StoredAsIs =
  | 'id'
  | 'serviceId'
  | 'slot'
  | 'hostId'
  | 'generation'
  | 'revisionId'
  | 'admittedAt'
  | 'wanted'
  | 'state'
  | 'health'
  | 'reason'
  | 'preparedGeneration'
  | 'begunGeneration'
  | 'isRestartWanted'
  | 'attempts'

/** An instance as its row and that of its host hold it. */
export interface InstanceRow extends Pick<Instance, StoredAsIs> {
  project: string
  service: string
  reasonCode: string | null
  runningGeneration: number | null
  runningRevisionId: string | null
  openStep: InstanceStepName | null
  stepGeneration: number | null
  stepRevisionId: string | null
  commandId: string | null
  stepBegunAt: Date | null
  stepEndedAt: Date | null
  failures: number
  failedGeneration: number | null
  failedWanted: string | null
  failingSince: Date | null
  failureCode: string | null
  failureReason: string | null
  retryAt: Date | null
  report: StoredReport | null
  reportedAt: Date | null
  knownHost: string | null
  isAnswering: boolean
  isBusy: boolean
}

/** An instance with all that decides its next step. */
export interface DrivenInstance {
  instance: Instance
  host: InstanceHost | null
  report: KnownReport | null
}

/** Converts a row. Pure. */
export function toDriven(row: InstanceRow): DrivenInstance {
  const { project, service, slot, knownHost, isAnswering, isBusy } = row
  return {
    instance: {
      id: row.id,
      serviceId: row.serviceId,
      name: `${project}/${service}.${slot}`,
      slot,
      hostId: row.hostId,
      generation: row.generation,
      revisionId: row.revisionId,
      admittedAt: row.admittedAt,
      wanted: row.wanted,
      state: row.state,
      health: row.health,
      reasonCode: toCode(row.reasonCode),
      reason: row.reason,
      preparedGeneration: row.preparedGeneration,
      begunGeneration: row.begunGeneration,
      startedGeneration: row.runningGeneration ?? 0,
      startedRevisionId: row.runningRevisionId,
      isRestartWanted: row.isRestartWanted,
      step: toStep(row),
      isOnHost: row.commandId !== null,
      attempts: row.attempts,
      stepBegunAt: row.stepBegunAt,
      stepEndedAt: row.stepEndedAt,
      failures: toFailures(row),
    },
    host: knownHost === null ? null : { name: knownHost, isAnswering, isBusy },
    report: toReport(row),
  }
}

const toCode = (code: string | null) => (isErrorCode(code) ? code : null)

function toStep({ openStep, stepGeneration, stepRevisionId, commandId }: InstanceRow): Instance['step'] {
  if (openStep === null || stepGeneration === null || stepRevisionId === null || commandId === null)
    return null
  return { name: openStep, generation: stepGeneration, revisionId: stepRevisionId, commandId }
}

/** Another order, or another wish, begins anew. */
function toFailures(row: InstanceRow): StepFailures | null {
  const { failures: count, failedGeneration, failedWanted, failingSince, failureReason } = row
  const isCurrent = failedGeneration === row.generation && failedWanted === row.wanted
  if (count === 0 || !isCurrent || failingSince === null) return null
  return {
    count,
    since: failingSince,
    code: toCode(row.failureCode),
    reason: failureReason ?? 'The step failed.',
    retryAt: row.retryAt,
  }
}

function toReport({ report, reportedAt }: InstanceRow): KnownReport | null {
  if (report === null || reportedAt === null) return null
  if (report.kind === 'absent') return { kind: 'absent', at: reportedAt }
  if (report.kind === 'reported') return { kind: 'reported', at: reportedAt, said: report }
  const { code, reason } = report
  return { kind: 'unsupported', at: reportedAt, code: toCode(code) ?? 'agent.invalid_answer', reason }
}
