import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { BlobStore } from '../blobs/index.ts'
import type { AgentFiles, OnProgress } from '../files/index.ts'
import { ServerLeaseRepository } from '../platform/leases/server-lease.repository.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { runOnce } from '../platform/testing/run-tasks.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { AbandonedTransfersReconciler } from './abandoned-transfers.reconciler.ts'
import { TransferReconciler } from './transfer.reconciler.ts'
import { TransferContents } from './transfer-contents.ts'
import { TransferEvents } from './transfer-events.ts'
import { TransfersRepository } from './transfers.repository.ts'

const log = pino({ level: 'silent' })
const clock = new ManualClock('2026-11-30T12:00:00Z')
let test: TestDatabase
let folder: string
let leases: ServerLeaseRepository

beforeAll(async () => {
  test = await TestDatabase.open()
  folder = await mkdtemp(join(tmpdir(), 'rollcall-takeover-'))
  leases = new ServerLeaseRepository(test.database)
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => test.empty('transfer', 'server_lease'))

/** One server of several on the database, with hosts that take what `upload` does. */
async function server(name: string, { files = name, upload = async () => undefined as unknown } = {}) {
  const sent: string[] = []
  const dropped: string[] = []
  const agents: Record<keyof Pick<AgentFiles, 'upload' | 'cancel'>, unknown> = {
    upload: async (
      _hostId: string,
      { transferId, onProgress }: { transferId: string; onProgress: OnProgress },
      signal: AbortSignal,
    ) => {
      sent.push(transferId)
      await (upload as (signal: AbortSignal, onProgress: OnProgress) => Promise<unknown>)(signal, onProgress)
      return { files_written: 1, files_unchanged: 0 }
    },
    cancel: async (_hostId: string, id: string) => void dropped.push(id),
  }
  const blobs = new BlobStore(join(folder, files), 2 ** 20)
  const contents = new TransferContents(blobs)
  const rows = new TransfersRepository(test.database, name)
  const events = new TransferEvents()
  const none = {} as never
  const sender = new TransferReconciler(
    rows,
    events,
    contents,
    agents as unknown as AgentFiles,
    none,
    none,
    clock,
    log,
  )
  const takeover = new AbandonedTransfersReconciler(rows, contents, events, sender, log)
  await leases.renew(name)
  return {
    rows,
    sent,
    dropped,
    async accept(): Promise<string> {
      const { sha256 } = await blobs.add(
        (async function* () {
          yield Buffer.from('content')
        })(),
      )
      const id = randomUUID()
      const transfer = { id, bodyHash: '', kind: 'file' as const, content: sha256, destination: '/tmp/x' }
      const rest = { mode: null, owner: null, makeParents: false, deletesOthers: false, isDryRun: false }
      const who = { requestedBy: 'spec', requester: null, createdAt: clock.now() }
      const parts = [{ id: randomUUID(), hostId: randomUUID(), hostName: 'web' }]
      await rows.insert({ ...transfer, ...rest, ...who }, parts)
      return id
    },
    /** Takes over what was abandoned, and sends what the server holds. */
    async work(): Promise<void> {
      await runOnce(takeover, clock.now())
      await runOnce(sender, clock.now())
      await sender.drain()
    },
    begin: () => runOnce(sender, clock.now()),
    drain: () => sender.drain(),
    part: async (id: string) => (await rows.hosts(id))[0],
  }
}

const die = (name: string, ago = '1 s') =>
  test.database.pool.query(
    `UPDATE server_lease SET lease_until = now() - $2::interval WHERE lease_owner = $1`,
    [name, ago],
  )

it('a transfer whose server died is sent by another one that has the content, as the same transfer', async () => {
  const [a, b] = [await server('a', { files: 'shared' }), await server('b', { files: 'shared' })]
  const id = await a.accept()
  await b.work()
  expect(b.sent, 'its server lives').toEqual([])
  await die('a')
  await b.work()
  const part = await b.part(id)
  expect(part).toMatchObject({ state: 'success', filesWritten: 1 })
  expect(b.sent).toEqual([part?.id])
})

it('a server that comes back after another one has acquired its transfer changes nothing of it', async () => {
  const never = new Promise<never>(() => undefined)
  const [a, b] = [
    await server('a', { files: 'shared' }),
    await server('b', { files: 'shared', upload: () => never }),
  ]
  const id = await a.accept()
  await die('a')
  expect(await b.rows.acquire(id)).toHaveLength(1)
  await leases.renew('a')
  const part = (await a.part(id))?.id as string
  expect(await a.rows.due(clock.now(), 10)).toEqual([])
  expect(await a.rows.progressed(part, 1, 2)).toBe(false)
  expect(await a.rows.end(part, { state: 'failed' }, clock.now())).toBe(false)
  expect(await a.part(id)).toMatchObject({ state: 'pending', endedAt: null })
})

it('a server that stood still stops sending what another one has acquired, and drops nothing on the host', async () => {
  const progress = Promise.withResolvers<void>()
  let reason: unknown
  const upload = async (...args: unknown[]) => {
    const [signal, onProgress] = args as [AbortSignal, OnProgress]
    await progress.promise
    onProgress(1, 2)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    reason = signal.reason
    throw signal.reason
  }
  const [a, b] = [await server('a', { files: 'shared', upload }), await server('b', { files: 'shared' })]
  const id = await a.accept()
  await a.begin()
  await die('a')
  await b.rows.acquire(id)
  progress.resolve()
  await a.drain()
  expect(reason).toMatchObject({ message: expect.stringContaining('acquired') })
  expect(a.dropped).toEqual([])
  expect(await a.part(id)).toMatchObject({ endedAt: null })
})

it('a server without the content leaves a transfer to its server for an hour, and then fails it with what to do', async () => {
  const [a, b] = [await server('a', { files: 'of-a' }), await server('b', { files: 'of-b' })]
  const id = await a.accept()
  await die('a', '59 min')
  clock.set(new Date())
  await b.work()
  expect(await b.part(id)).toMatchObject({ endedAt: null })
  await die('a', '61 min')
  await b.work()
  expect(b.sent).toEqual([])
  expect(await b.part(id)).toMatchObject({
    state: 'failed',
    reasonCode: 'file.content_gone',
    reason: expect.stringContaining('Send the content again'),
  })
})

it('a transfer that is cancelled while its server is gone ends on another one, without its content', async () => {
  const [a, b] = [await server('a', { files: 'of-a' }), await server('b', { files: 'of-b' })]
  const id = await a.accept()
  await die('a')
  await b.rows.cancel(id, clock.now())
  await b.work()
  const part = await b.part(id)
  expect(part).toMatchObject({ state: 'cancelled' })
  expect(b.dropped).toEqual([part?.id])
})

it('a transfer is acquired by one alone of several servers that have the content', async () => {
  const a = await server('a', { files: 'shared' })
  const others = await Promise.all(['b', 'c', 'd'].map((name) => server(name, { files: 'shared' })))
  await a.accept()
  await die('a')
  await Promise.all(others.map((each) => each.work()))
  expect(others.flatMap(({ sent }) => sent)).toHaveLength(1)
})
