import type { AgentView, LiveEvent } from '@rollcall/contracts/admin'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { clientOf, type FakeSocket } from './testing/fake-socket.ts'
import { LiveFleet } from './use-fleet.ts'

const WEB = '0b0e7f8a-0000-4000-8000-000000000001'
const DB = '0b0e7f8a-0000-4000-8000-000000000002'
const AT = '2026-01-01T00:00:00.000Z'

const agent = (hostId: string, host: string): AgentView => ({
  hostId,
  host,
  address: '192.0.2.1',
  labels: {},
  state: 'online',
  stateCode: null,
  stateReason: null,
  stateSince: AT,
  version: '1.0.0',
  lastAnswerAt: AT,
  nextCallAt: AT,
  roundTripMs: 1,
  clockOffsetMs: 0,
  areValuesStale: false,
  cpuPercent: 1,
  memoryPercent: 1,
  diskPercent: 1,
  load: 1,
  uptimeS: 1,
  runningCommands: 0,
})
const fleetEvent = (event: Partial<LiveEvent & { type: 'fleet' }>): LiveEvent => ({
  type: 'fleet',
  isSnapshot: false,
  isComplete: true,
  cursor: 'sight.1',
  agents: [],
  removed: [],
  ...event,
})

let sockets: FakeSocket[]
let fleet: LiveFleet

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => setTimeout(draw, 16))
  sockets = []
  fleet = new LiveFleet(clientOf(sockets))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const states = () => Array.from(fleet.agents.values(), ({ host, state }) => `${host} ${state}`)

it('after a drop the fleet asks for what has changed since the last whole message, and loses nothing that it knew', async () => {
  fleet.watch({}, [WEB, DB])
  sockets[0]?.opens()
  // The reader of events comes with the first connection.
  await vi.advanceTimersByTimeAsync(0)
  const agents = [agent(WEB, 'web'), agent(DB, 'db')]
  sockets[0]?.says(fleetEvent({ isSnapshot: true, agents, states: { online: 2 } }))
  sockets[0]?.says(fleetEvent({ cursor: 'sight.2', agents: [{ hostId: WEB, state: 'degraded' }] }))
  // The rest of this difference is lost with the connection: it has to be told again.
  sockets[0]?.says(
    fleetEvent({ cursor: 'sight.3', isComplete: false, agents: [{ hostId: DB, state: 'offline' }] }),
  )
  sockets[0]?.breaks()
  await vi.runAllTimersAsync()
  sockets[1]?.opens()
  expect(sockets[1]?.sent).toEqual([{ type: 'watch-fleet', hostIds: [WEB, DB], since: 'sight.2' }])
  expect(states()).toEqual(['web degraded', 'db offline'])
  sockets[1]?.says(
    fleetEvent({ cursor: 'sight.4', agents: [agent(WEB, 'web')], removed: [DB], states: { online: 1 } }),
  )
  expect(states()).toEqual(['web online'])
  expect(fleet.states).toEqual({ online: 1 })
})

it('the fleet shows what it knew until a new snapshot is whole, half of which came before another drop', async () => {
  fleet.watch({}, [WEB, DB])
  sockets[0]?.opens()
  // The reader of events comes with the first connection.
  await vi.advanceTimersByTimeAsync(0)
  sockets[0]?.says(fleetEvent({ isSnapshot: true, agents: [agent(WEB, 'web')] }))
  sockets[0]?.breaks()
  await vi.runAllTimersAsync()
  sockets[1]?.opens()
  sockets[1]?.says(
    fleetEvent({ cursor: 'other.1', isSnapshot: true, isComplete: false, agents: [agent(WEB, 'gone')] }),
  )
  expect(states()).toEqual(['web online'])
  sockets[1]?.breaks()
  await vi.runAllTimersAsync()
  sockets[2]?.opens()
  sockets[2]?.says(fleetEvent({ cursor: 'other.2', isSnapshot: true, agents: [agent(DB, 'db')] }))
  expect(states()).toEqual(['db online'])
})
