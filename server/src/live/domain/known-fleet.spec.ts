import type { AgentView } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { KnownFleet } from './known-fleet.ts'

const agent = (hostId: string, state = 'online') => ({ hostId, host: hostId, state, labels: {} }) as AgentView

it('a read returns what has changed, and nothing when nothing has', () => {
  const known = new KnownFleet()
  expect(known.take([agent('a'), agent('b')], true).changes).toHaveLength(2)
  expect(known.take([agent('a'), agent('b')], true)).toEqual({ changes: [], removed: [] })
  expect(known.take([agent('a', 'offline')], false)).toEqual({
    changes: [{ hostId: 'a', state: 'offline' }],
    removed: [],
  })
  expect(known.countStates(() => true)).toEqual({ offline: 1, online: 1 })
})

it('a sequence is continued with whole agents and removals, each once', () => {
  const known = new KnownFleet()
  known.take([agent('a'), agent('b'), agent('c')], true)
  const from = known.sequence
  known.take([agent('a', 'offline')], false)
  known.take([agent('a')], false)
  known.takeByIds(['b'], [])
  expect(known.since(from)).toEqual({ changes: [agent('a')], removed: ['b'] })
  expect(known.since(known.sequence)).toEqual({ changes: [], removed: [] })
})

it('a sequence that was dropped or never existed is not continued', () => {
  const known = new KnownFleet()
  const many = Array.from({ length: 1500 }, (_, number) => agent(`h${number}`))
  known.take(many, true)
  const from = known.sequence
  for (const { hostId } of many) known.takeByIds([hostId], [])
  expect(known.since(from)).toBeUndefined()
  expect(known.since(known.sequence + 1)).toBeUndefined()
})
