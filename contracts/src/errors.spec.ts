import { describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode, mayPass, maySay, RollcallError } from './errors.ts'

const entries = Object.entries(ERRORS) as [ErrorCode, (typeof ERRORS)[ErrorCode]][]
const codesLike = (pattern: RegExp) => entries.filter(([code]) => pattern.test(code))

describe('the catalogue of errors', () => {
  it('every not_found code answers 404, and no similar code does', () => {
    const missing = codesLike(/(\.|_)(not_found|unknown)$/).filter(
      ([code]) => !['agent.method_unknown', 'file.owner_unknown'].includes(code),
    )
    expect(missing.length).toBeGreaterThan(10)
    expect(missing.filter(([, { status }]) => status !== 404)).toEqual([])
  })

  it('every code for a conflict with the present state answers 409', () => {
    const conflicts = codesLike(
      /(_taken|_in_use|conflict|\.exists|changed_meanwhile|\.busy|\.ended|_outdated|_running)$/,
    )
    expect(conflicts.length).toBeGreaterThan(10)
    expect(conflicts.filter(([, { status }]) => status !== 409)).toEqual([])
  })

  it('no code of a refusal is retried automatically', () => {
    expect(entries.filter(([, { kind, retry }]) => retry && kind !== 'unavailable')).toEqual([])
  })

  it('an agent may report only error codes of its own', () => {
    const families = entries
      .filter(([code]) => maySay('agent', code))
      .map(([code]) => code.slice(0, code.indexOf('.')))
    expect([...new Set(families)].sort()).toEqual(['agent', 'command', 'credentials', 'file', 'request'])
  })
})

it('an error code of an unknown release is passed on by its kind', () => {
  expect(mayPass({ code: 'host.of_tomorrow', kind: 'unavailable' })).toBe(true)
  expect(mayPass({ code: 'host.of_tomorrow', kind: 'rejected' })).toBe(false)
  expect(mayPass({ code: null })).toBe(false)
  expect(maySay('agent', 'host.of_tomorrow')).toBe(false)
})

it('an error carries the kind of its catalogue entry', () => {
  for (const [code, { kind }] of entries) expect(new RollcallError(code, 'why').kind).toBe(kind)
})
