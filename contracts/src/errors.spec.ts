import { describe, expect, test } from 'vitest'
import { ERRORS, type ErrorCode, mayPass, maySay, RollcallError } from './errors.ts'

const entries = Object.entries(ERRORS) as [ErrorCode, (typeof ERRORS)[ErrorCode]][]
const codesLike = (pattern: RegExp) => entries.filter(([code]) => pattern.test(code))

describe('the catalogue of errors', () => {
  test('answers 404 for whatever is not there, and 404 for nothing else that has a like name', () => {
    const missing = codesLike(/(\.|_)(not_found|unknown)$/).filter(
      ([code]) => !['agent.method_unknown', 'file.owner_unknown'].includes(code),
    )
    expect(missing.length).toBeGreaterThan(10)
    expect(missing.filter(([, { status }]) => status !== 404)).toEqual([])
  })

  test('answers 409 for whatever is in the way of a request that is right by itself', () => {
    const conflicts = codesLike(
      /(_taken|_in_use|conflict|\.exists|changed_meanwhile|\.busy|\.ended|_outdated|_running)$/,
    )
    expect(conflicts.length).toBeGreaterThan(10)
    expect(conflicts.filter(([, { status }]) => status !== 409)).toEqual([])
  })

  test('has nothing tried again by itself that was refused', () => {
    expect(entries.filter(([, { kind, retry }]) => retry && kind !== 'unavailable')).toEqual([])
  })

  test('lets an agent speak of nothing that is not its own', () => {
    const families = entries
      .filter(([code]) => maySay('agent', code))
      .map(([code]) => code.slice(0, code.indexOf('.')))
    expect([...new Set(families)].sort()).toEqual(['agent', 'command', 'credentials', 'file', 'request'])
  })
})

test('an error of a release that is not known here passes by its kind', () => {
  expect(mayPass({ code: 'host.of_tomorrow', kind: 'unavailable' })).toBe(true)
  expect(mayPass({ code: 'host.of_tomorrow', kind: 'rejected' })).toBe(false)
  expect(mayPass({ code: null })).toBe(false)
  expect(maySay('agent', 'host.of_tomorrow')).toBe(false)
})

test('an error carries the kind of its entry', () => {
  for (const [code, { kind }] of entries) expect(new RollcallError(code, 'why').kind).toBe(kind)
})
