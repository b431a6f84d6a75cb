import { expect, it } from 'vitest'
import { isDatabaseAway } from './database-errors.ts'

it.each([
  [Object.assign(new Error('terminating connection'), { code: '57P01' }), true],
  [Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }), true],
  [new Error('Connection terminated unexpectedly'), true],
  [new Error('Client has encountered a connection error and is not queryable'), true],
  [Object.assign(new Error('duplicate key'), { code: '23505' }), false],
  [new TypeError('x is not a function'), false],
  [undefined, false],
])('%s: away is %s', (error, isAway) => {
  expect(isDatabaseAway(error)).toBe(isAway)
})
