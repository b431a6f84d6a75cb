import { expect, it } from 'vitest'
import { heartbeatProfileChange, newHeartbeatProfile } from './profiles.ts'

const refused = (schema: typeof newHeartbeatProfile | typeof heartbeatProfileChange, value: object) => {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'))
}

it('a change of a profile changes what it names and nothing else', () => {
  expect(heartbeatProfileChange.parse({ maxMs: 7000 })).toEqual({ maxMs: 7000 })
  expect(heartbeatProfileChange.parse({ labels: null })).toEqual({ labels: null })
})

it('a new profile need not name a window or labels', () => {
  expect(newHeartbeatProfile.parse({ name: 'slow', minMs: 1000, maxMs: 1000 })).toMatchObject({
    offlineAfterMs: null,
    labels: null,
  })
})

it.each([
  [{ minMs: 5000, maxMs: 4000 }, 'minMs'],
  [{ minMs: 0 }, 'minMs'],
  [{ maxMs: -1 }, 'maxMs'],
  [{ minMs: 1.5 }, 'minMs'],
  [{ maxMs: 1e12 }, 'maxMs'],
  [{ maxMs: 5000, offlineAfterMs: 5000 }, 'offlineAfterMs'],
])('impossible bounds are refused with the field named: %j', (bounds, field) => {
  expect(refused(heartbeatProfileChange, bounds)).toContain(field)
  expect(refused(newHeartbeatProfile, { name: 'x', minMs: 1000, maxMs: 2000, ...bounds })).toContain(field)
})
