import { expect, it } from 'vitest'
import { afterLag } from './command-follower.ts'

it('a viewer who is far behind is taken on to the newest, and one who keeps up misses nothing', () => {
  expect(afterLag(0, 48_000_000, 1_000_000)).toBe(47_500_000)
  expect(afterLag(47_500_000, 48_000_000, 1_000_000)).toBe(47_500_000)
  expect(afterLag(0, 1_000_000, 1_000_000)).toBe(0)
  expect(afterLag(0, 48_000_000, Number.POSITIVE_INFINITY)).toBe(0)
})
