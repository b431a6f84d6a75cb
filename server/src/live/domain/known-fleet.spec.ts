import type { AgentView } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { KnownFleet } from './known-fleet.ts'

const agent = (hostId: string, state = 'online') => ({ hostId, host: hostId, state, labels: {} }) as AgentView

it('tells what is new, and nothing when nothing is', () => {
  const known = new KnownFleet()
  expect(known.take([agent('a'), agent('b')], true).changes).toHaveLength(2)
  expect(known.take([agent('a'), agent('b')], true)).toEqual({ changes: [], removed: [] })
  expect(known.take([agent('a', 'offline')], false)).toEqual({
    changes: [{ hostId: 'a', state: 'offline' }],
    removed: [],
  })
  expect(known.countStates(() => true)).toEqual({ offline: 1, online: 1 })
})

it('goes on from a sequence with whole agents and who left, each once', () => {
  const known = new KnownFleet()
  known.take([agent('a'), agent('b'), agent('c')], true)
  const from = known.sequence
  known.take([agent('a', 'offline')], false)
  known.take([agent('a')], false)
  known.takeNamed(['b'], [])
  expect(known.since(from)).toEqual({ changes: [agent('a')], removed: ['b'] })
  expect(known.since(known.sequence)).toEqual({ changes: [], removed: [] })
})

it('does not pretend to know what it has forgotten, nor what it never saw', () => {
  const known = new KnownFleet()
  const many = Array.from({ length: 1500 }, (_, number) => agent(`h${number}`))
  known.take(many, true)
  const from = known.sequence
  for (const { hostId } of many) known.takeNamed([hostId], [])
  expect(known.since(from)).toBeUndefined()
  expect(known.since(known.sequence + 1)).toBeUndefined()
})
