import type { ErrorCode } from '@rollcall/contracts'
import type { HostState, UpgradeHostState } from '@rollcall/contracts/admin'
import { z } from 'zod'

/** The host's own report of an upgrade. It is hostile input: bounded, and shown as text only. */
export const hostStepReport = z.object({
  state: z.enum(['not_begun', 'under_way', 'upgraded', 'rolled_back', 'refused']),
  reason: z.string().max(4000).optional(),
})
export type HostStepReport = z.infer<typeof hostStepReport>

export type HostOutcome =
  | { state: 'upgraded' }
  | { state: 'rolled_back' | 'refused' | 'stranded'; reason: string; code?: ErrorCode }
  | { state: 'cancelled' }

/** Returns the outcome that a host reports; null while its upgrade has not ended. Pure. */
export function toOutcome(report: HostStepReport): HostOutcome | null {
  const because = report.reason || 'the host did not say why'
  switch (report.state) {
    case 'under_way':
      return null
    case 'upgraded':
      return { state: 'upgraded' }
    case 'rolled_back':
      return { state: 'rolled_back', reason: `The old agent is back: ${because}.` }
    case 'refused':
      return { state: 'refused', reason: `Nothing was changed: ${because}.` }
    case 'not_begun':
      return {
        state: 'refused',
        reason: 'Nothing was changed: the upgrade ended on the host before it had begun. See its log.',
      }
  }
}

/** Decides how the command of an upgrade ends, and the state of its host. Pure. */
export function endingOf(outcome: HostOutcome) {
  if (outcome.state === 'upgraded')
    return { state: 'success' as const, exitCode: 0, hostState: 'online' satisfies HostState as HostState }
  if (outcome.state === 'cancelled')
    return {
      state: 'cancelled' as const,
      exitCode: null,
      reason: 'It was cancelled before anything was changed on the host.',
      hostState: 'online' satisfies HostState as HostState,
    }
  const hostState: HostState = outcome.state === 'stranded' ? 'offline' : 'online'
  return {
    state: 'failed' as const,
    exitCode: null,
    reasonCode: outcome.code ?? CODES[outcome.state],
    reason: outcome.reason,
    hostState,
  }
}

const CODES = {
  rolled_back: 'upgrade.rolled_back',
  refused: 'upgrade.refused',
  stranded: 'upgrade.stranded',
} as const satisfies Record<string, ErrorCode>

/** Returns the state of a host in its upgrade by the ending of its command. Pure. */
export function stateOfEnded(command: { state: string; reasonCode: string | null }): UpgradeHostState {
  if (command.state === 'success') return 'upgraded'
  if (command.state === 'cancelled') return 'cancelled'
  if (command.reasonCode === 'upgrade.rolled_back') return 'rolled_back'
  if (command.reasonCode === 'upgrade.stranded' || command.state === 'timed_out') return 'stranded'
  return 'refused'
}
