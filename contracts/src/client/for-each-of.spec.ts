import { expect, it } from 'vitest'
import { forEachOf } from './for-each-of.ts'

it('every item is worked on once, in order and no more at a time than allowed, whatever the item is', async () => {
  const items = [0, undefined, null, ...Array.from({ length: 100_000 }, (_, index) => index)]
  const done: unknown[] = []
  let [running, most] = [0, 0]
  await forEachOf(items, 3, async (item) => {
    most = Math.max(most, ++running)
    done.push(item)
    await Promise.resolve()
    running--
  })
  expect(done).toEqual(items)
  expect(most).toBe(3)
})
