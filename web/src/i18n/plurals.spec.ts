import { expect, it } from 'vitest'
import { en } from './en.ts'
import { filled } from './index.tsx'

it('one of a thing is told in the singular, and any other number of it in the plural', () => {
  const text = (count: number) => filled('Remove {count} {count:host|hosts}?', { count })
  expect([0, 1, 2, 1000].map(text)).toEqual([
    'Remove 0 hosts?',
    'Remove 1 host?',
    'Remove 2 hosts?',
    'Remove 1000 hosts?',
  ])
  expect(filled('{n:The one entry is|All {n} entries are} intact', { n: 1 })).toBe('The one entry is intact')
  expect(filled('{n:The one entry is|All {n} entries are} intact', { n: 7 })).toBe('All 7 entries are intact')
})

it('what somebody has typed is put in as it is, though it look like a place for a value', () => {
  expect(filled('Remove {name}?', { name: '{count:a|b}', count: 1 })).toBe('Remove {count:a|b}?')
})

it('no English text has a number before a plural that does not go by it', () => {
  const plain = Object.entries(en).map(([key, text]) => [
    key,
    text.replace(/\{\w+:[^|{}]*\|(?:[^{}]|\{\w+\})*\}/g, ''),
  ])
  const wrong = plain.filter(([, text]) =>
    /\{\w+\} (?:more )?(?:hosts|agents|tasks|entries|files|lines|commands|terminals|users|keys)\b/.test(
      text ?? '',
    ),
  )
  expect(wrong).toEqual([])
})
