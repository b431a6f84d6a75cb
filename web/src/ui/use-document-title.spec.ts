import { expect, it } from 'vitest'
import { documentTitle } from './use-document-title.ts'

it('a tab is named after its page, whatever a host or a person has put into a name', () => {
  expect(documentTitle('Fleet')).toBe('Fleet \u00b7 Rollcall')
  expect(documentTitle('')).toBe('Rollcall')
  expect(documentTitle('a\u202eb\u0007c\n d')).toBe('a b c d \u00b7 Rollcall')
  expect(documentTitle('x'.repeat(500))).toHaveLength(80 + ' \u00b7 Rollcall'.length)
})
