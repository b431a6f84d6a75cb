import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { errorTable } from './error-table.ts'

test('the page of error codes in the guides is the one that the catalogue makes', async () => {
  const page = fileURLToPath(new URL('../../docs/guides/errors.md', import.meta.url))
  await expect(errorTable()).toMatchFileSnapshot(page)
})
