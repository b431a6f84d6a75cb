import { describe, expect, it } from 'vitest'
import { readArgumentSpecs } from './argument-specs.ts'
import { validateVariables } from './validate-variables.ts'

const { variables } = readArgumentSpecs({
  argument_specs: {
    main: {
      short_description: 'Serves pages',
      description: ['One.', 'Two.'],
      options: {
        name: { type: 'str', required: true },
        port: { type: 'int', default: 80 },
        ports: { type: 'list', elements: 'int' },
        state: { choices: ['present', 'absent'], default: 'present' },
        token: { type: 'int', no_log: true },
        isFast: { type: 'bool' },
        extra: { type: 'dict' },
      },
    },
  },
})
const faults = (values: Record<string, unknown>) =>
  validateVariables(variables, { name: 'a', ...values }).map(({ field, message }) => `${field} ${message}`)

describe('variables of a playbook', () => {
  it.each([
    [{ port: 8080 }],
    [{ port: '8080' }],
    [{ ports: [1, '2'] }],
    [{ state: 'absent' }],
    [{ isFast: 'yes' }],
    [{ isFast: false }],
    [{ extra: { a: 1 } }],
    [{}],
  ])('%j is what Ansible takes', (values) => expect(faults(values)).toEqual([]))

  it.each([
    [{ port: 'http' }, 'variables.port must be a whole number, and "http" is none'],
    [{ port: 1.5 }, 'variables.port must be a whole number, and 1.5 is none'],
    [{ ports: 80 }, 'variables.ports must be a list, and 80 is none'],
    [
      { ports: [1, 'x'] },
      'variables.ports must be a list of which every item is a whole number; item 2 is none',
    ],
    [{ state: 'gone' }, 'variables.state must be one of "present", "absent", and "gone" is none of them'],
    [{ extra: [] }, 'variables.extra must be a mapping, and [] is none'],
    [{ isFast: 'maybe' }, 'variables.isFast must be a truth value (true or false), and "maybe" is none'],
  ])('%j is refused with its field and what would be right', (values, fault) =>
    expect(faults(values)).toEqual([fault]),
  )

  it('variables that are unknown or missing are reported all at once', () => {
    const found = validateVariables(variables, { nmae: 'a' })
    expect(found.map(({ field }) => field)).toEqual(['variables.nmae', 'variables.name'])
    expect(found[1]?.message).toBe('is missing: give a text')
  })

  it('do not repeat a secret', () => {
    expect(faults({ token: 'hunter2' }).join()).not.toContain('hunter2')
  })

  it('properties of a prototype do not count as given variables', () => {
    expect(validateVariables(variables, Object.create({ name: 'a' }))).toHaveLength(1)
  })
})

describe('argument specs', () => {
  it.each([null, {}, { argument_specs: {} }, { argument_specs: { main: { options: [] } } }])(
    '%j are refused in words',
    (document) => expect(() => readArgumentSpecs(document)).toThrow('must be a mapping'),
  )

  it('specs with a type that Ansible does not know name the option', () => {
    const document = { argument_specs: { main: { options: { a: { type: 'number' } } } } }
    expect(() => readArgumentSpecs(document)).toThrow('a.type is "number"')
  })
})
