import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { keyTable } from './key-table.ts'

it('the page of keys in the guides equals what the reader works by', async () => {
  const page = fileURLToPath(new URL('../../docs/guides/service-keys.md', import.meta.url))
  await expect(keyTable()).toMatchFileSnapshot(page)
})
