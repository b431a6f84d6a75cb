import { expect, it } from 'vitest'
import { splitByBytes } from './byte-pages.ts'

const rows = (...sizes: number[]) => sizes.map((bytes, at) => ({ seq: at + 1, bytes }))

it('rows are cut into pages by their bytes, and an oversized row has a page of its own', () => {
  expect(splitByBytes(rows(3, 3, 3, 3), 6)).toEqual([2, 4])
  expect(splitByBytes(rows(1, 100, 1), 6)).toEqual([1, 2, 3])
  expect(splitByBytes(rows(100), 6)).toEqual([1])
  expect(splitByBytes([], 6)).toEqual([])
})
