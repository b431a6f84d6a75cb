import { expect, it } from 'vitest'
import { parseDocument, visit } from 'yaml'
import type { ReadServices } from './index.ts'
import { type Fixture, fixtures, readFixture } from './testing/fixtures.ts'

const ADDED = 'zz'

const toOtherwise = ({ keys }: ReadServices) => keys.filter(({ standing }) => standing === 'otherwise')
const toResult = (read: ReadServices) => JSON.stringify([read.spec, toOtherwise(read)])

/** Returns the values of a file that can be changed without a change of the result, and of which the report says nothing either. */
function findUnread(fixture: Fixture): string[] {
  const { name, text, variables } = fixture
  const before = toResult(readFixture(fixture))
  const unread: string[] = []
  visit(parseDocument(text), {
    Scalar(key, { range, type }) {
      if (key === 'key' || !range || type?.startsWith('BLOCK')) return
      const [start] = range
      const at = /["']/.test(text[start] ?? '') ? start + 1 : start
      const read = readFixture({ text: text.slice(0, at) + ADDED + text.slice(at), variables })
      const line = text.slice(0, at).split('\n').length
      if (toResult(read) === before && !toOtherwise(read).some((one) => one.line === line))
        unread.push(`${name}:${line}`)
    },
  })
  return unread
}

it('a value that is changed at any place of a file that is taken changes the result, is refused, or is said to be unread', () => {
  const accepted = fixtures.filter((fixture) => readFixture(fixture).spec)
  expect(accepted.length).toBeGreaterThan(10)
  expect(accepted.flatMap(findUnread)).toEqual([])
})
