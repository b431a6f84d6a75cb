import {
  type LabelTerm,
  type LiveEvent,
  type LiveRequest,
  liveEvent,
  parseSelector,
} from '@rollcall/contracts/admin'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { HostScope } from '../access/index.ts'
import { FleetRepository } from '../heartbeats/index.ts'
import type { BackgroundTasks } from '../platform/background/background-tasks.ts'
import { SystemClock } from '../platform/clock/clock.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import { startTasks } from '../platform/testing/run-tasks.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { FleetFeed } from './fleet-feed.reconciler.ts'

type FleetEvent = LiveEvent & { type: 'fleet' }

const log = pino({ level: 'silent' })
const clock = new SystemClock()
let test: TestDatabase
let notifications: Notifications
let feed: FleetFeed
let tasks: BackgroundTasks

beforeAll(async () => {
  test = await TestDatabase.open()
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.database.pool.query('DELETE FROM host')
  notifications = new Notifications(test.database, log)
  const fleet = new FleetRepository(test.database)
  feed = new FleetFeed(fleet, notifications, clock)
  tasks = startTasks(clock, feed)
  await addTestHost(test.database, { name: 'web', labels: { env: 'prod' }, at: new Date(0) })
  await addTestHost(test.database, { name: 'db', labels: { env: 'test' }, at: new Date(0) })
})
afterEach(async () => {
  feed.close()
  await tasks.stop()
  notifications.onApplicationShutdown()
})

/** A viewer, and what it was sent. */
function viewer(scope: HostScope, wish: Omit<LiveRequest & { type: 'watch-fleet' }, 'type'> = {}) {
  const sent: FleetEvent[] = []
  const socket = {
    readyState: 1,
    OPEN: 1,
    bufferedAmount: 0,
    send: (text: string) => sent.push(liveEvent.parse(JSON.parse(text)) as FleetEvent),
  } as never
  feed.watch(socket, scope, wish)
  const untilSent = (count: number) =>
    vi.waitFor(() => expect(sent.length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 10 })
  return { socket, sent, untilSent }
}

const hostsIn = (event: FleetEvent | undefined) => event?.agents.map(({ host }) => host)
const idOf = async (name: string): Promise<string> =>
  (await test.database.pool.query('SELECT id FROM host WHERE name = $1', [name])).rows[0].id
const relabel = (name: string, labels: object) =>
  test.database.pool.query('UPDATE host SET labels = $2 WHERE name = $1', [name, labels])

// Neither labels nor a removal leave a time behind: only the database's word tells of them within a minute.
it('a viewer is sent what the database notifies of: changes and removals', async () => {
  const { sent, untilSent } = viewer(null)
  await untilSent(1)
  expect(sent[0]).toMatchObject({ isSnapshot: true, isComplete: true, states: { online: 2 } })
  await relabel('web', { env: 'canary' })
  await untilSent(2)
  expect(sent[1]).toMatchObject({ isSnapshot: false, agents: [{ labels: { env: 'canary' } }] })
  const id = await idOf('db')
  await test.database.pool.query('DELETE FROM host WHERE id = $1', [id])
  await untilSent(3)
  expect(sent[2]).toMatchObject({ removed: [id], states: { online: 1 } })
})

it('a viewer of single hosts is sent those alone, and the counts of all', async () => {
  const { sent, untilSent } = viewer(null, { hostIds: [await idOf('web')] })
  await untilSent(1)
  expect(hostsIn(sent[0])).toEqual(['web'])
  await test.database.pool.query("UPDATE host SET state = 'offline', state_since = now() WHERE name = 'db'")
  await untilSent(2)
  expect(sent[1]).toMatchObject({ agents: [], states: { online: 1, offline: 1 } })
})

it('a viewer that reconnects is sent what has changed since its cursor', async () => {
  const [web, db] = [await idOf('web'), await idOf('db')]
  const first = viewer(null)
  await first.untilSent(1)
  feed.unwatch(first.socket)
  await relabel('web', { env: 'canary' })
  const second = viewer(null, { since: first.sent.at(-1)?.cursor })
  // By ids: a change of a host that the viewer knows does not repeat its name.
  const sentHostIds = () => second.sent.flatMap(({ agents }) => agents.map(({ hostId }) => hostId))
  await vi.waitFor(() => expect(sentHostIds()).toContain(web), { timeout: 10_000 })
  expect(second.sent.every(({ isSnapshot }) => !isSnapshot)).toBe(true)
  expect(sentHostIds()).not.toContain(db)
  const stranger = viewer(null, { since: 'elsewhere.3' })
  await stranger.untilSent(1)
  expect(stranger.sent[0]).toMatchObject({ isSnapshot: true })
})

it('a viewer is sent neither changes nor removals of hosts outside of its scope', async () => {
  const { sent, untilSent } = viewer(parseSelector('env=prod') as LabelTerm[])
  await untilSent(1)
  expect(hostsIn(sent[0])).toEqual(['web'])
  await test.database.pool.query("DELETE FROM host WHERE name = 'db'")
  await addTestHost(test.database, { name: 'other', labels: { env: 'test' }, at: new Date(0) })
  await relabel('other', { env: 'prod' })
  await untilSent(2)
  expect(sent[1]).toMatchObject({ agents: [{ host: 'other', state: 'online' }], removed: [] })
  await relabel('web', { env: 'test' })
  await untilSent(3)
  expect(sent[2]).toMatchObject({ agents: [], removed: [await idOf('web')] })
})

it('changes are published after the connection to the database broke', async () => {
  const { sent, untilSent } = viewer(null)
  await untilSent(1)
  await test.database.pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
  )
  await relabel('web', { env: 'canary' })
  await untilSent(2)
  expect(sent[1]?.agents).toMatchObject([{ labels: { env: 'canary' } }])
})
