import { expect, it } from 'vitest'
import { memoizeAsync } from './memoize-async.ts'

it('concurrent and later callers with one argument share one attempt', async () => {
  const asked: string[] = []
  const read = memoizeAsync(async (key: string) => {
    asked.push(key)
    return key.length
  })
  expect(await Promise.all([read('one'), read('one'), read('three')])).toEqual([3, 3, 5])
  expect(await read('one')).toBe(3)
  expect(asked).toEqual(['one', 'three'])
})

it('a failed attempt fails all who share it and is repeated by the next call', async () => {
  let attempts = 0
  const read = memoizeAsync(async () => {
    if (++attempts === 1) throw new Error('away')
    return attempts
  })
  const shared = await Promise.allSettled([read(), read()])
  expect(shared.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await read()).toBe(2)
})
