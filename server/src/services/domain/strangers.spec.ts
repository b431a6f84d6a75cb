import { expect, it } from 'vitest'
import { isNoteDue, NO_STRANGERS, withStrangers } from './strangers.ts'
import { AT, later } from './testing/instances.ts'

it('an instance that a host still reports a moment after its removal is not noted as a stranger', () => {
  const seen = withStrangers(NO_STRANGERS, ['3fa9c1d2'], AT)
  expect(isNoteDue(seen, later(59_999))).toBe(false)
  expect(withStrangers(seen, [], later(5000))).toBe(NO_STRANGERS)
  expect(isNoteDue(NO_STRANGERS, later(90_000))).toBe(false)
})

it('an instance that stays on a host although no server has put it there is noted once', () => {
  const seen = withStrangers(NO_STRANGERS, ['3fa9c1d2'], AT)
  expect(isNoteDue(withStrangers(seen, ['3fa9c1d2'], later(60_000)), later(60_000))).toBe(true)
  expect(isNoteDue({ ...seen, isNoted: true }, later(90_000))).toBe(false)
})

it('a host that reports other strangers each time fills no history', () => {
  let seen = NO_STRANGERS
  for (let minute = 0; minute < 10; minute++) {
    seen = withStrangers(seen, [`0000000${minute}`], later(minute * 59_000))
    expect(isNoteDue(seen, later(minute * 59_000))).toBe(false)
  }
})
