import { expect, test } from 'vitest'
import { LargeBuffers } from './request-body.ts'

const MEBIBYTE = 1024 * 1024

test('two requests never share a buffer, and no more buffers are used than allowed', () => {
  const buffers = new LargeBuffers(2)
  const [one, other] = [buffers.take(MEBIBYTE), buffers.take(MEBIBYTE)]
  expect(one?.buffer).not.toBe(other?.buffer)
  expect(buffers.take(MEBIBYTE)).toBeNull()
  buffers.give(one as Buffer)
  expect(buffers.take(MEBIBYTE)).toBe(one)
})

test('only requests with content and a valid length get a pooled buffer', () => {
  const buffers = new LargeBuffers(2)
  expect([1000, 3 * MEBIBYTE, Number.NaN].map((bytes) => buffers.take(bytes))).toEqual([null, null, null])
})

test('the first heartbeat after a transfer frees the buffers, one during a transfer does not', () => {
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
