import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type LiveEvent, liveEvent, TRANSFER_EVENT_HOSTS } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { TestServer } from '../testing/test-server.ts'
import { TransferEvents, TransfersService } from '../transfers/index.ts'
import { TransferFollower } from './transfer-follower.ts'

let server: TestServer

beforeAll(async () => {
  server = await TestServer.open()
  for (const name of ['a', 'b']) await addTestHost(server.test.database, { name, at: new Date() })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const query = (sql: string, values: unknown[]) => server.test.database.pool.query(sql, values)

/** A transfer to so many hosts, which another server holds: no worker of this one touches it. */
async function transferTo(hosts: readonly string[]): Promise<string> {
  const id = randomUUID()
  await query(
    "INSERT INTO server_lease VALUES ('another', now() + interval '1 day') ON CONFLICT DO NOTHING",
    [],
  )
  await query(
    `INSERT INTO transfer (id, body_hash, kind, content, destination, make_parents, requested_by, created_at)
     VALUES ($1, 'x', 'file', 'x', '/x', false, 'spec', now())`,
    [id],
  )
  await query(
    `INSERT INTO transfer_host (id, transfer_id, host_id, host_name, state, next_attempt_at, lease_owner)
     SELECT gen_random_uuid(), $1, gen_random_uuid(), name, 'pending', now(), 'another' FROM unnest($2::text[]) AS name`,
    [id, hosts],
  )
  return id
}
const change = async (id: string, host: string, set: string) => {
  const { rows } = await server.test.database.pool.query<{ id: string }>(
    `UPDATE transfer_host SET ${set} WHERE transfer_id = $1 AND host_name = $2 RETURNING id`,
    [id, host],
  )
  return rows[0]?.id ?? ''
}
const SUCCESS = "state = 'success', ended_at = now(), bytes = 9, total_bytes = 9, files_written = 1"

/** A viewer, and what it was sent. */
function viewer(id: string) {
  const sent: { event: LiveEvent; at: number }[] = []
  const events = new TransferEvents()
  const socket = Object.assign(new EventEmitter(), {
    readyState: 1,
    OPEN: 1,
    bufferedAmount: 0,
    send: (text: string) => sent.push({ event: liveEvent.parse(JSON.parse(text)), at: performance.now() }),
  })
  const transfers = server.app.get(TransfersService)
  const follower = new TransferFollower(id, socket as unknown as WebSocket, transfers, events)
  const ended = follower.run()
  const isSent = (count: number) =>
    expect.poll(() => sent.length, { timeout: 10_000, interval: 5 }).toBeGreaterThanOrEqual(count)
  return { sent, events, follower, ended, isSent }
}
const hostsIn = (event: LiveEvent | undefined) =>
  event?.type === 'transfer' ? event.hosts.map(({ host, state, bytes }) => `${host} ${state} ${bytes}`) : []

describe('a followed transfer', () => {
  it('a transfer is published from its present state on, each change once, and its end as soon as the last host ends', async () => {
    const id = await transferTo(['a', 'b'])
    const { sent, events, ended, isSent } = viewer(id)
    await isSent(1)
    expect(hostsIn(sent[0]?.event)).toEqual(['a pending 0', 'b pending 0'])
    const part = await change(id, 'a', "state = 'running', bytes = 4, total_bytes = 9")
    events.changed({ transferId: id, id: part, hasEnded: false })
    await isSent(2)
    expect(hostsIn(sent[1]?.event)).toEqual(['a running 4'])
    events.changed({ transferId: id, id: await change(id, 'a', SUCCESS), hasEnded: true })
    await isSent(3)
    expect(hostsIn(sent[2]?.event)).toEqual(['a success 9'])
    const last = await change(id, 'b', SUCCESS)
    const at = performance.now()
    events.changed({ transferId: id, id: last, hasEnded: true })
    await ended
    expect(sent.slice(3).map(({ event }) => event.type)).toEqual(['transfer', 'transfer-end'])
    expect((sent.at(-1)?.at ?? 0) - at, 'without the pause between two messages').toBeLessThan(240)
    expect(sent.at(-1)?.event).toMatchObject({ transfer: { id, counts: { success: 2 } } })
  })

  it('a transfer that another server sends is published to its end, without any event here', async () => {
    const id = await transferTo(['a'])
    const { sent, ended, isSent } = viewer(id)
    await isSent(1)
    await change(id, 'a', SUCCESS)
    await ended
    expect(hostsIn(sent[1]?.event)).toEqual(['a success 9'])
    expect(sent.at(-1)?.event.type).toBe('transfer-end')
  })

  it('a transfer to many hosts is published in messages of bounded size', async () => {
    const names = Array.from({ length: TRANSFER_EVENT_HOSTS + 3 }, (_, n) => `n-${n}`)
    const { sent, follower, ended, isSent } = viewer(await transferTo(names))
    await isSent(2)
    follower.stop()
    await ended
    expect(sent.map(({ event }) => hostsIn(event).length)).toEqual([TRANSFER_EVENT_HOSTS, 3])
  })

  it('following a transfer that does not exist is refused', async () => {
    await expect(viewer(randomUUID()).ended).rejects.toMatchObject({ code: 'transfer.not_found' })
  })
})
