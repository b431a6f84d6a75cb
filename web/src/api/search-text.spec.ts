import { expect, it } from 'vitest'
import { toSearchText } from './search-text.ts'

it('a parameter of an address that looks like a number is text like any other, and an empty one is none', () => {
  expect([2, '2', 'web-01', '', undefined, null, {}].map(toSearchText)).toEqual([
    '2',
    '2',
    'web-01',
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
