import { expect, it } from 'vitest'
import { pagesByBytes } from './byte-pages.ts'

const rows = (...sizes: number[]) => sizes.map((bytes, at) => ({ seq: at + 1, bytes }))

it('rows are cut into pages by their bytes, and an oversized row has a page of its own', () => {
  expect(pagesByBytes(rows(3, 3, 3, 3), 6)).toEqual([2, 4])
  expect(pagesByBytes(rows(1, 100, 1), 6)).toEqual([1, 2, 3])
  expect(pagesByBytes(rows(100), 6)).toEqual([1])
  expect(pagesByBytes([], 6)).toEqual([])
})
