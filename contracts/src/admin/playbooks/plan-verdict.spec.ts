import { expect, it } from 'vitest'
import { planVerdict } from './plan-verdict.ts'

const totals = (changed: number) => ({ ok: 1, changed, failed: 0, skipped: 0, rescued: 0, unreachable: 0 })

it('a plan that failed on all hosts reports no host as unchanged', () => {
  const failed = { state: 'failed' as const, totals: null }
  expect(planVerdict([failed, failed])).toEqual({ total: 2, planned: 0, changing: 0, failed: 2 })
})

it('changes of a host are counted only if its plan was completed', () => {
  const hosts = [
    { state: 'success' as const, totals: totals(2) },
    { state: 'success' as const, totals: totals(0) },
    { state: 'failed' as const, totals: totals(3) },
    { state: 'lost' as const, totals: null },
    { state: 'cancelled' as const, totals: null },
    { state: 'running' as const, totals: null },
  ]
  expect(planVerdict(hosts)).toEqual({ total: 6, planned: 2, changing: 1, failed: 3 })
})
