import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { errorTable } from './error-table.ts'

it('the page of error codes in the guides equals what the catalogue generates', async () => {
  const page = fileURLToPath(new URL('../../docs/guides/errors.md', import.meta.url))
  await expect(errorTable()).toMatchFileSnapshot(page)
})
