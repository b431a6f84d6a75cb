import { expect, it } from 'vitest'
import { Batcher } from './batcher.ts'

/** Doubles numbers; holds each batch until it is let go, and refuses any that holds 13. */
function setting(limits = { size: 10, maxConcurrent: 1 }) {
  const batches: number[][] = []
  const gates: (() => void)[] = []
  const batcher = new Batcher<number, number>(async (items) => {
    batches.push(items)
    await new Promise<void>((resolve) => gates.push(resolve))
    if (items.includes(13)) throw new Error('unlucky')
    return items.map((item) => item * 2)
  }, limits)
  /** Lets batches go as they come until `promise` is settled. */
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false
    const done = () => {
      isDone = true
    }
    promise.then(done, done)
    while (!isDone) {
      gates.shift()?.()
      await new Promise(setImmediate)
    }
    return promise
  }
  return { batcher, batches, settle }
}

it('what comes together goes together, and each gets its own result', async () => {
  const { batcher, batches, settle } = setting()
  expect(await settle(Promise.all([1, 2, 3].map((n) => batcher.add(n))))).toEqual([2, 4, 6])
  expect(batches).toEqual([[1, 2, 3]])
})

it('what comes while a batch is under way waits for it and goes in the next, in bounded pieces', async () => {
  const { batcher, batches, settle } = setting({ size: 2, maxConcurrent: 1 })
  expect(await settle(Promise.all([1, 2, 3, 4, 5].map((n) => batcher.add(n))))).toEqual([2, 4, 6, 8, 10])
  expect(batches).toEqual([[1, 2], [3, 4], [5]])
})

it('one that fails does not take the others with it', async () => {
  const { batcher, settle } = setting()
  const results = await settle(Promise.allSettled([1, 13, 2].map((n) => batcher.add(n))))
  expect(
    results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason))),
  ).toEqual([2, 'Error: unlucky', 4])
})

it('all of a batch have failed when the database is away, after one attempt and not one for each', async () => {
  let attempts = 0
  const batcher = new Batcher<number, number>(async () => {
    attempts++
    throw new Error('Query read timeout')
  })
  const results = await Promise.allSettled([1, 2, 3].map((n) => batcher.add(n)))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(attempts).toBe(1)
})
