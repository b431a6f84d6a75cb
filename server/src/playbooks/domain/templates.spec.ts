import type { PlaybookVariable } from '@rollcall/contracts/admin'
import { variableOf } from '@rollcall/contracts/admin/playbooks/testing/variables'
import { expect, it } from 'vitest'
import { namesOf, withTemplates } from './templates.ts'

const given = (specs: PlaybookVariable[], values: Record<string, unknown>) =>
  withTemplates(specs, values, values)
const spec = (name: string, isTemplate?: true) => variableOf(name, isTemplate && { isTemplate })

it('a variable is a template only where its spec asks for one and it was given', () => {
  const specs = [spec('data'), spec('text', true), spec('other', true)]
  expect(given(specs, { data: '{{ x }}', text: '{{ y }}' })).toEqual({
    data: '{{ x }}',
    text: '{{ y }}',
    rollcall_templates: ['text'],
  })
  expect(given(specs, { data: 1 })).toEqual({ data: 1 })
})

it('nobody names templates by giving the variable that does', () => {
  const specs = [spec('data'), spec('rollcall_templates')]
  expect(given(specs, { data: '{{ x }}', rollcall_templates: ['data'] })).toEqual({
    data: '{{ x }}',
  })
})

it('the names that are shown are those that were given', () => {
  expect(namesOf(given([spec('text', true)], { text: 'x' }))).toEqual(['text'])
})

it('a default that the playbook’s author wrote may be a template', () => {
  expect(withTemplates([spec('a'), spec('b')], { a: '{{ b }}', b: '{{ x }}' }, { b: '{{ x }}' })).toEqual({
    a: '{{ b }}',
    b: '{{ x }}',
    rollcall_templates: ['a'],
  })
})
