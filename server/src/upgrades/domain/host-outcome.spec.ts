import { describe, expect, it } from 'vitest'
import { endingOf, hostStepReport, stateOfEnded, toOutcome } from './host-outcome.ts'

describe('what became of a host', () => {
  it('a host counts as upgraded only where its own report says so', () => {
    for (const state of ['not_begun', 'under_way', 'rolled_back', 'refused'] as const)
      expect(toOutcome({ state })?.state).not.toBe('upgraded')
  })

  it('the outcome of a host is the same in its upgrade as in its command', () => {
    for (const state of ['rolled_back', 'refused', 'stranded'] as const) {
      const ending = endingOf({ state, reason: 'why' })
      expect(stateOfEnded({ state: ending.state, reasonCode: ending.reasonCode ?? null })).toBe(state)
      expect(ending.hostState).toBe(state === 'stranded' ? 'offline' : 'online')
    }
    expect(stateOfEnded({ state: 'success', reasonCode: null })).toBe('upgraded')
    expect(stateOfEnded({ state: 'lost', reasonCode: null })).toBe('refused')
  })

  it('a report in words that no host of ours uses is refused', () => {
    for (const said of [
      null,
      'upgraded',
      {},
      { state: 'fine' },
      { state: 'upgraded', reason: 'x'.repeat(5000) },
    ])
      expect(hostStepReport.safeParse(said).success).toBe(false)
  })
})
