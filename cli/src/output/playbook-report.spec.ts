import type { PlaybookHost, PlaybookRunView } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { formatVerdict } from './playbook-report.ts'

const totals = (changed: number) => ({ ok: 1, changed, failed: 0, skipped: 0, rescued: 0, unreachable: 0 })
const host = (state: PlaybookHost['state'], changed = 0): PlaybookHost => ({
  commandId: 'x',
  host: 'h',
  reason: null,
  way: null,
  digest: null,
  state,
  totals: totals(changed),
})
const words = (...hosts: PlaybookHost[]) =>
  formatVerdict({ hosts, run: { id: 'the-plan' } as PlaybookRunView['run'] })

it('a plan that failed on all hosts is not told as one by which nothing would be changed', () => {
  expect(words(host('failed'), host('lost'))).toBe(
    'The plan failed on all of 2 hosts, so it is not known what would change. See the failures above.\n',
  )
})

it('hosts on which the plan failed are told apart from those that would stay as they are', () => {
  expect(words(host('success'), host('failed', 3))).toBe(
    'On 1 of 2 hosts nothing would change. The plan failed on 1.\n',
  )
  expect(words(host('success', 1), host('success'), host('failed'))).toBe(
    '1 of 3 hosts would change. The plan failed on 1. Apply it with: rollcall playbook apply the-plan\n',
  )
  expect(words(host('success'))).toBe('Nothing would change.\n')
})
