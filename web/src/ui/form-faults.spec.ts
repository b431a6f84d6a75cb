import { InvalidRequestError } from '@rollcall/contracts/client'
import { describe, expect, it } from 'vitest'
import { faultsOf, toError } from './form-faults.ts'

const values = { name: 'a b', labels: 'x', timeoutS: 0 }
const places = { name: 'name', labels: 'labels', timeoutMs: 'timeoutS' } as const
const refused = (fields: Record<string, string>) => ({
  error: new InvalidRequestError(Object.entries(fields).map(([field, message]) => ({ field, message }))),
  values,
})

describe('what is wrong with a field', () => {
  it('is shown beside it until that very value is changed', () => {
    const failure = refused({ name: 'no spaces', timeoutMs: 'at least 1' })
    expect(faultsOf(failure, values, places)).toEqual({ name: 'no spaces', timeoutMs: 'at least 1' })
    expect(faultsOf(failure, { ...values, name: 'ab' }, places)).toEqual({ timeoutMs: 'at least 1' })
    expect(faultsOf(failure, { ...values, timeoutS: 5 }, places)).toEqual({ name: 'no spaces' })
    expect(faultsOf(undefined, values, places)).toEqual({})
  })

  it('of an entry of a list is shown beside the list', () => {
    expect(faultsOf(refused({ 'labels.0': 'odd' }), values, places)).toEqual({ labels: 'odd' })
    expect(faultsOf(refused({ 'labels.my key': 'odd' }), values, places)).toEqual({ labels: 'odd' })
  })

  it('is told once: not below the form as well', () => {
    expect(toError(refused({ name: 'no spaces' }), values, places)).toBeUndefined()
  })

  it('that has no place in the form is told below it', () => {
    expect(String(toError(refused({ name: 'no spaces', version: 'is gone' }), values, places))).toContain(
      'version is gone',
    )
  })
})

it('what concerns no field is told until something is changed', () => {
  const failure = { error: new Error('away'), values }
  expect(toError(failure, values, places)).toBe(failure.error)
  expect(toError(failure, { ...values, labels: '' }, places)).toBeUndefined()
})
