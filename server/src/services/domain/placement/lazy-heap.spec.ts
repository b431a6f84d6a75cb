import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LazyHeap } from './lazy-heap.ts'

/** Keys that an item had, from the first to the last: they never rise. */
const falling = fc
  .array(fc.nat({ max: 20 }), { minLength: 4, maxLength: 4 })
  .map((keys) => keys.toSorted((a, b) => b - a))

it('a heap gives the item with the highest present key, though keys have fallen since they were set', () => {
  fc.assert(
    fc.property(
      fc.array(falling, { maxLength: 30 }),
      fc.boolean(),
      fc.nat({ max: 3 }),
      (histories, putsBack, excess) => {
        let time = 0
        const items = Int32Array.from(histories.keys())
        const toKey = (item: number) => histories[item]?.[time] ?? -1
        const heap = new LazyHeap(
          items,
          new Float64Array(items.length),
          toKey,
          (item) => toKey(item) + excess,
        )
        const left = new Set(histories.keys())
        for (; time < 4; time++) {
          const best = Math.max(-1, ...[...left].map(toKey))
          expect(heap.peekKey()).toBe(best)
          const item = heap.pop()
          expect(toKey(item)).toBe(best)
          if (putsBack && item >= 0) heap.push(item)
          else left.delete(item)
        }
      },
    ),
  )
})

it('a heap does not give an item whose key has become negative', () => {
  const keys = [3, 2]
  const heap = new LazyHeap(Int32Array.of(0, 1), new Float64Array(2), (item) => keys[item] as number)
  keys[0] = -1
  expect(heap.pop()).toBe(1)
  expect(heap.pop()).toBe(-1)
})
