import { variableOf } from '@rollcall/contracts/admin/playbooks/testing/variables'
import { describe, expect, it } from 'vitest'
import { givenOf } from './variables.ts'

describe('variables that were typed', () => {
  it('what was left empty is not given, so that the default holds', () => {
    expect(givenOf([variableOf('a'), variableOf('b')], { a: ' ', b: 'x' })).toEqual({
      given: { b: 'x' },
      faults: {},
    })
  })

  it('a list has an item on each line', () => {
    const ports = variableOf('ports', { type: 'list', elements: 'str' })
    expect(givenOf([ports], { ports: '80:80\n\n443:443\n' }).given).toEqual({ ports: ['80:80', '443:443'] })
  })

  it('a mapping is JSON, and what is none is told before it is sent', () => {
    const env = variableOf('env', { type: 'dict' })
    expect(givenOf([env], { env: '{"A": "1"}' }).given).toEqual({ env: { A: '1' } })
    expect(Object.keys(givenOf([env], { env: '{A' }).faults)).toEqual(['variables.env'])
  })

  it('what is needed and missing is told by its field', () => {
    expect(Object.keys(givenOf([variableOf('name', { isRequired: true })], {}).faults)).toEqual([
      'variables.name',
    ])
  })
})
