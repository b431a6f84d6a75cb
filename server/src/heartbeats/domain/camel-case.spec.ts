import { expect, it } from 'vitest'
import { pickDeclared, toCamelCase } from './camel-case.ts'

it('names are converted at every depth, and values are kept', () => {
  const status = { boot_id: 'a_b', disks: [{ total_bytes: 1 }], load: [1, 2, 3], cpu: { used_percent: null } }
  expect(toCamelCase(status)).toEqual({
    bootId: 'a_b',
    disks: [{ totalBytes: 1 }],
    load: [1, 2, 3],
    cpu: { usedPercent: null },
  })
})

it('only the fields that a schema declares are kept', () => {
  expect(pickDeclared({ bootId: 'x', toString: 'y', rest: 1 }, { bootId: true })).toEqual({ bootId: 'x' })
})
