import { expect, test } from 'vitest'
import { parseTombstone } from './released-commands.ts'

test('a malformed tombstone is ignored', () => {
  expect(parseTombstone('abc.success.12')).toEqual({ hash: 'abc', status: 'success', releasedAtMs: 12 })
  for (const target of ['', 'abc', 'abc.running.1', 'abc.success.x', '/etc/passwd'])
    expect(parseTombstone(target)).toBeNull()
})
