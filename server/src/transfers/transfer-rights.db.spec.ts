import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BlobStore } from '../blobs/index.ts'
import { AgentFileReader, AgentFiles } from '../files/index.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { TestServer } from '../testing/test-server.ts'
import { TransferReconciler } from './transfer.reconciler.ts'
import { TransfersRepository } from './transfers.repository.ts'

let server: TestServer
let hostId: string
let count = 0
const sending = new Map<string, AbortSignal>()

/** Rejects when `signal` fires, and never ends otherwise. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )

beforeAll(async () => {
  server = await TestServer.open()
  await addTestHost(server.test.database, { name: 'in', labels: { env: 'prod' }, at: new Date() })
  await server.person('root@example.com', 'admin')
  hostId = (await query('SELECT id FROM host')).rows[0].id
  // Hosts that take for ever.
  const files = server.app.get(AgentFiles)
  files.upload = (_host, { transferId = '' }, signal) => {
    sending.set(transferId, signal)
    return untilAborted(signal)
  }
  files.cancel = async () => undefined as never
  server.app.get(AgentFileReader).open = async (_host, _order, signal) => ({
    size: 1_000_000,
    mode: 0o644,
    close: () => undefined,
    pieces: (async function* () {
      yield Buffer.from('first')
      await untilAborted(signal)
    })(),
  })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)
const operator = () => server.person(`p${++count}@example.com`, 'operator', ['env=prod'])
/** As another server would. */
const demote = (id: string) => query(`UPDATE app_user SET role = 'viewer' WHERE id = $1`, [id])

async function toTransfer(requesterId: string) {
  const [id, part] = [randomUUID(), randomUUID()]
  const transfer = {
    id,
    bodyHash: '',
    kind: 'file' as const,
    content: '0'.repeat(64),
    destination: '/tmp/x',
    mode: null,
    owner: null,
    makeParents: false,
    requestedBy: 'spec',
    createdAt: new Date(),
    deletesOthers: false,
    isDryRun: false,
    requester: { kind: 'user' as const, id: requesterId },
  }
  await server.app.get(TransfersRepository).insert(transfer, [{ id: part, hostId, hostName: 'in' }])
  server.app.get(TransferReconciler).wake()
  const shown = async () => (await server.app.get(TransfersRepository).hosts(id))[0]
  return { part, shown }
}

it('a transfer is broken off within 5 s when whoever asked for it may place no files any more, and says why', async () => {
  const [one, other] = [await operator(), await operator()]
  const [lost, kept] = [await toTransfer(one.id), await toTransfer(other.id)]
  await expect.poll(() => sending.has(lost.part) && sending.has(kept.part), { timeout: 15_000 }).toBe(true)
  await demote(one.id)
  await expect.poll(async () => (await lost.shown())?.state, { timeout: 15_000 }).toBe('failed')
  expect(await lost.shown()).toMatchObject({
    reasonCode: 'request.forbidden',
    reason: expect.stringContaining('files:write'),
  })
  expect(sending.get(kept.part)?.aborted).toBe(false)
})

it('a transfer of who was removed meanwhile is not begun', async () => {
  const one = await operator()
  await query('DELETE FROM app_user WHERE id = $1', [one.id])
  const lost = await toTransfer(one.id)
  await expect.poll(async () => (await lost.shown())?.state, { timeout: 15_000 }).toBe('failed')
  expect(sending.has(lost.part)).toBe(false)
})

it.each([
  ['may fetch none any more', () => demote],
  ['loses the host', () => () => query(`UPDATE host SET labels = '{"env":"test"}'`)],
])(
  'a file that is being read from a host breaks off within 5 s when its reader %s',
  async (_what, change) => {
    const one = await operator()
    const response = await fetch(`${server.url}/api/hosts/in/file?path=/etc/shadow`, {
      headers: { cookie: one.cookie },
    })
    expect(response.status).toBe(200)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    expect(Buffer.from((await reader.read()).value ?? '').toString()).toBe('first')
    const rest = reader.read().then(
      () => 'went on',
      () => 'broken off',
    )
    await change()(one.id)
    expect(await Promise.race([rest, sleep(5000, 'still open', { ref: false })])).toBe('broken off')
    await query(`UPDATE host SET labels = '{"env":"prod"}'`)
  },
)

it('content that is being sent is taken no further within 5 s from who may send none any more', async () => {
  const one = await operator()
  const begun = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<unknown>()
  server.app.get(BlobStore).add = async (content) => {
    try {
      for await (const _piece of content) begun.resolve()
    } catch (error) {
      taken.resolve(error)
      throw error
    }
    taken.resolve('all of it')
    return { sha256: '0'.repeat(64), size: 0 }
  }
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('first')),
  })
  const sent = fetch(`${server.url}/api/contents`, {
    method: 'POST',
    body,
    duplex: 'half',
    headers: { cookie: one.cookie, origin: server.url, 'content-type': 'application/octet-stream' },
  } as RequestInit).then(
    () => 'answered',
    () => 'broken off',
  )
  await begun.promise
  await demote(one.id)
  expect(await Promise.race([taken.promise, sleep(5000, 'still open', { ref: false })])).toMatchObject({
    code: 'request.forbidden',
  })
  expect(await sent).toBe('broken off')
})
