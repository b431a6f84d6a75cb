import { randomBytes, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type LiveEvent, liveEvent, newRun, RUN_EVENT_COMMANDS } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { admin } from '../access/testing/principals.ts'
import {
  CommandEvents,
  CommandLeasesRepository,
  CommandLifecycleRepository,
  CommandsRepository,
  type CommandWorker,
} from '../commands/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { SystemClock } from '../platform/clock/clock.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { partOf } from '../platform/testing/part-of.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { RunsRepository, RunsService } from '../runs/index.ts'
import { RunFollower } from './run-follower.ts'

const clock = new SystemClock()
let test: TestDatabase
let leases: CommandLeasesRepository
let lifecycle: CommandLifecycleRepository
let rows: RunsRepository
let runs: RunsService

beforeAll(async () => {
  test = await TestDatabase.open()
  const sealer = new Sealer(randomBytes(32))
  const commands = new CommandsRepository(test.database, sealer)
  leases = new CommandLeasesRepository(test.database, commands)
  lifecycle = new CommandLifecycleRepository(test.database)
  rows = new RunsRepository(test.database, commands, lifecycle)
  const hosts = new HostsRepository(test.database, sealer)
  const worker = partOf<CommandWorker>({ announce: () => undefined })
  runs = new RunsService(rows, commands, partOf({}), worker, hosts, clock)
  for (const name of ['a', 'b', 'c']) await addTestHost(test.database, { name, at: clock.now() })
})
afterAll(() => test.close())

/** A viewer, and what it was sent. */
function viewer(runId: string) {
  const sent: { event: LiveEvent; at: number }[] = []
  const events = new CommandEvents()
  const socket = Object.assign(new EventEmitter(), {
    readyState: 1,
    OPEN: 1,
    bufferedAmount: 0,
    send: (text: string) => sent.push({ event: liveEvent.parse(JSON.parse(text)), at: performance.now() }),
  })
  const follower = new RunFollower(runId, null, socket as unknown as WebSocket, runs, rows, events)
  const ended = follower.run()
  const isSent = async (count: number) => {
    while (sent.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { sent, events, follower, ended, isSent }
}

const accept = (more: object = {}) =>
  runs.run(newRun.parse({ program: 'true', all: true, ...more }), admin('spec'))
async function end(id: string, runId: string, events?: CommandEvents) {
  await leases.acquire(id, 'server', clock.now())
  await lifecycle.end(id, 'server', { state: 'success', exitCode: 0 }, clock.now())
  events?.commandChanged({ id, runId, hasEnded: true, isLimited: false })
}
const statesIn = (event: LiveEvent | undefined) =>
  event?.type === 'run'
    ? event.commands.map(({ host, state, isHeld }) => `${host} ${isHeld ? 'held' : state}`)
    : []

describe('a followed run', () => {
  it('a run is published from its present state on, each change once, and its end as soon as the last command ends', async () => {
    const { runId, commands } = await accept({ limits: { concurrency: 2 } })
    const [one, two, three] = commands.map(({ id }) => id)
    const { sent, events, ended, isSent } = viewer(runId)
    await isSent(1)
    expect(sent[0]?.event).toMatchObject({ counts: { held: 1, pending: 2 } })
    expect(statesIn(sent[0]?.event)).toEqual(['c held'])
    await test.database.pool.query('UPDATE command SET admitted_at = now() WHERE id = $1', [three])
    events.commandChanged({ id: three ?? '', runId, hasEnded: false, isLimited: true })
    await end(one ?? '', runId, events)
    await isSent(2)
    expect(statesIn(sent[1]?.event).toSorted()).toEqual(['a success', 'c pending'])
    await end(two ?? '', runId, events)
    await isSent(3)
    const last = performance.now()
    await end(three ?? '', runId, events)
    await ended
    expect(sent.slice(3).map(({ event }) => event.type)).toEqual(['run', 'run-end'])
    expect((sent.at(-1)?.at ?? 0) - last, 'without the pause between two messages').toBeLessThan(240)
    expect(sent.at(-1)?.event).toMatchObject({ run: { counts: { success: 3 }, endedAt: expect.any(String) } })
  })

  it('a run that another server drives is published to its end, without any event here', async () => {
    const { runId, commands } = await accept()
    const { sent, ended, isSent } = viewer(runId)
    await isSent(1)
    for (const { id } of commands) await end(id, runId)
    await ended
    expect(statesIn(sent[1]?.event).toSorted()).toEqual(['a success', 'b success', 'c success'])
    expect(sent.at(-1)?.event.type).toBe('run-end')
  })

  it('a run that has ended is published whole, in messages of bounded size', async () => {
    const { runId } = await accept()
    await test.database.pool.query(
      `INSERT INTO command (id, run_id, kind, host_id, host_name, program, args, env, cwd, timeout_ms, start_within_ms, tty,
         columns, rows, stdin, state, requested_by, created_at, next_attempt_at, admitted_at)
       SELECT gen_random_uuid(), run_id, kind, gen_random_uuid(), 'n-' || n, program, args, env, cwd, timeout_ms,
         start_within_ms, tty, columns, rows, stdin, state, requested_by, created_at, next_attempt_at, admitted_at
       FROM command, generate_series(1, 1200) AS n WHERE run_id = $1 AND host_name = 'a'`,
      [runId],
    )
    await test.database.pool.query('UPDATE run SET total = 1203 WHERE id = $1', [runId])
    await test.database.pool.query(
      "UPDATE command SET state = 'success', ended_at = now() WHERE run_id = $1",
      [runId],
    )
    const { sent, ended } = viewer(runId)
    await ended
    const sizes = sent.map(({ event }) => (event.type === 'run' ? event.commands.length : 0))
    expect(sizes).toEqual([RUN_EVENT_COMMANDS, RUN_EVENT_COMMANDS, 203, 0])
  })

  it('a run is released when its last viewer leaves', async () => {
    const { runId } = await accept()
    const { follower, ended, isSent, sent } = viewer(runId)
    await isSent(1)
    follower.stop()
    await ended
    expect(sent).toHaveLength(1)
  })

  it('following a run that does not exist is refused', async () => {
    await expect(viewer(randomUUID()).ended).rejects.toMatchObject({ code: 'run.not_found' })
  })
})
