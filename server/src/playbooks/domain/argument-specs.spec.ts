import { describe, expect, it } from 'vitest'
import { readArgumentSpecs, withGivenDefaults, withRoleDefaults } from './argument-specs.ts'

const specsOf = (options: Record<string, unknown>) =>
  readArgumentSpecs({ argument_specs: { main: { options } } })
const OPTIONS = {
  count: { type: 'int', default: 2 },
  name: { type: 'str', default: 'of the specs' },
  needed: { type: 'str', required: true },
}

describe('a default', () => {
  it('a default in the argument specs alone is given by the server, since Ansible does not apply it', () => {
    const { variables } = withRoleDefaults(specsOf(OPTIONS), { name: 'of the role' })
    expect(variables).toMatchObject([
      { name: 'count', default: 2, isDefaultGiven: true },
      { name: 'name', default: 'of the role', isDefaultGiven: false },
      { name: 'needed', isDefaultGiven: false },
    ])
    expect(withGivenDefaults(variables, { needed: 'x' })).toEqual({ count: 2, needed: 'x' })
  })

  it('a default never replaces what was given, even if that is empty', () => {
    const { variables } = withRoleDefaults(specsOf(OPTIONS), {})
    for (const given of [0, '', false, null])
      expect(withGivenDefaults(variables, { count: given }).count).toBe(given)
  })

  it.each([false, 0, [], ['a'], { a: 1 }, ''])('%j is given as it is', (value) => {
    const { variables } = withRoleDefaults(specsOf({ x: { type: 'raw', default: value } }), {})
    expect(withGivenDefaults(variables, {})).toEqual({ x: value })
  })

  it('a default that is a template is the one of the role, and is filled in by Ansible itself', () => {
    const templated = specsOf({ x: { type: 'str', default: '{{ inventory_hostname }}' } })
    const ofRole = withRoleDefaults(templated, { x: '{{ inventory_hostname }}' })
    expect(withGivenDefaults(ofRole.variables, {})).toEqual({})
    const ofSpecs = withRoleDefaults(templated, {})
    expect(withGivenDefaults(ofSpecs.variables, {})).toEqual({ x: '{{ inventory_hostname }}' })
  })
})
