import { expect, it } from 'vitest'
import { LargeBuffers } from './large-buffers.ts'

const MEBIBYTE = 1024 * 1024

it('gives no memory to two requests at once, and to no more requests than it may', () => {
  const buffers = new LargeBuffers(2)
  const [one, other] = [buffers.take(MEBIBYTE), buffers.take(MEBIBYTE)]
  expect(one?.buffer).not.toBe(other?.buffer)
  expect(buffers.take(MEBIBYTE)).toBeNull()
  buffers.give(one as Buffer)
  expect(buffers.take(MEBIBYTE)).toBe(one)
})

it('is for content alone: neither for what is small nor for what is larger than a request may be, nor for what tells no length', () => {
  const buffers = new LargeBuffers(2)
  expect([1000, 3 * MEBIBYTE, Number.NaN].map((bytes) => buffers.take(bytes))).toEqual([null, null, null])
})

it('lets its memory go with the first heartbeat after a transfer, and not during one', () => {
  const buffers = new LargeBuffers(2)
  const [one, other] = [buffers.take(MEBIBYTE) as Buffer, buffers.take(MEBIBYTE) as Buffer]
  buffers.give(one)
  buffers.take(100)
  expect(buffers.take(MEBIBYTE)).toBe(one)
  buffers.give(one)
  buffers.give(other)
  buffers.take(100)
  expect([one, other]).not.toContain(buffers.take(MEBIBYTE))
})
