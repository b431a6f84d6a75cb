import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type LiveEvent, newRun } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { admin } from '../access/testing/principals.ts'
import {
  CommandEvents,
  CommandLeasesRepository,
  CommandLifecycleRepository,
  CommandsRepository,
  CommandsService,
  type CommandWorker,
  OutputReader,
  OutputRepository,
} from '../commands/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { SystemClock } from '../platform/clock/clock.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { partOf } from '../platform/testing/part-of.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { RunsRepository, RunsService } from '../runs/index.ts'
import { CommandFollower } from './command-follower.ts'

const VIEWERS = 50
const PIECE_BYTES = 128 * 1024
/** Far more than the kernel keeps for a connection whose other end does not read. */
const PIECES = 48
/** Bytes that are sent to a viewer before it is slow, and one page of stored output on top, as base64. */
const MAX_UNSENT_BYTES = 1024 * 1024 + (512 * 1024 * 4) / 3 + 64 * 1024
const WAIT = { timeout: 120_000, interval: 20 }

const clock = new SystemClock()
const events = new CommandEvents()
let test: TestDatabase
let leases: CommandLeasesRepository
let lifecycle: CommandLifecycleRepository
let outputs: OutputRepository
let reader: OutputReader
let commands: CommandsService
let commandId: string
let server: WebSocketServer
const socketsOfServer: WebSocket[] = []
const running: Promise<void>[] = []

beforeAll(async () => {
  test = await TestDatabase.open()
  const sealer = new Sealer(randomBytes(32))
  const rows = new CommandsRepository(test.database, sealer)
  const hosts = new HostsRepository(test.database, sealer)
  const nothing = {} as never
  leases = new CommandLeasesRepository(test.database, rows)
  lifecycle = new CommandLifecycleRepository(test.database)
  outputs = new OutputRepository(test.database)
  reader = new OutputReader(rows, outputs)
  commands = new CommandsService(rows, lifecycle, nothing, nothing, nothing, events, clock)
  await addTestHost(test.database, { name: 'busy', at: clock.now() })
  const worker = partOf<CommandWorker>({ announce: () => undefined })
  const runs = new RunsService(
    new RunsRepository(test.database, rows, lifecycle),
    rows,
    nothing,
    worker,
    hosts,
    clock,
  )
  const accepted = await runs.run(newRun.parse({ program: 'yes', all: true }), admin('spec'))
  commandId = accepted.commands[0]?.id ?? ''
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => {
    socketsOfServer.push(socket)
    running.push(
      new CommandFollower(commandId, { offset: 0 }, socket, { commands, outputs: reader, events }).run(),
    )
  })
  await once(server, 'listening')
})
afterAll(async () => {
  for (const socket of server.clients) socket.terminate()
  server.close()
  await test.close()
})

/** A viewer over a real connection. Each byte is compared as it comes, and none is kept. */
class Viewer {
  bytes = 0
  hasEnded = false
  wrong: string | undefined

  private constructor(readonly socket: WebSocket) {}

  static async open(wanted: Buffer): Promise<Viewer> {
    const viewer = new Viewer(new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`))
    viewer.socket.on('message', (text) => viewer.take(JSON.parse(String(text)), wanted))
    await once(viewer.socket, 'open')
    return viewer
  }

  private take(event: LiveEvent, wanted: Buffer): void {
    if (event.type === 'end') this.hasEnded = true
    if (event.type !== 'output') return
    const data = Buffer.from(event.data, 'base64')
    const isRight =
      event.offset === this.bytes && data.equals(wanted.subarray(this.bytes, this.bytes + data.length))
    if (!isRight) this.wrong ??= `${data.length} bytes at ${event.offset} after ${this.bytes}`
    this.bytes += data.length
  }
}

it('one viewer that does not read holds up none of the fifty, costs bounded memory, and misses no byte', async () => {
  const output = randomBytes(PIECES * PIECE_BYTES)
  const viewers: Viewer[] = []
  for (let i = 0; i < VIEWERS; i++) viewers.push(await Viewer.open(output))
  const [slow, ...others] = viewers as [Viewer, ...Viewer[]]
  const [slowOfServer] = socketsOfServer as [WebSocket]
  slow.socket.pause()
  await leases.acquire(commandId, 'server', clock.now())
  await lifecycle.start(commandId, 'server', clock.now())
  let mostUnsent = 0
  for (let piece = 0; piece < PIECES; piece++) {
    const offset = piece * PIECE_BYTES
    const data = output.subarray(offset, offset + PIECE_BYTES)
    const runs = [data.length]
    expect(await outputs.append(commandId, 'server', offset, { data, runs })).toBe(true)
    events.outputStored({ commandId, offset, data, runs })
    mostUnsent = Math.max(mostUnsent, slowOfServer.bufferedAmount)
  }
  await lifecycle.end(commandId, 'server', { state: 'success', exitCode: 0 }, clock.now())
  events.commandChanged({ id: commandId, runId: commandId, hasEnded: true, isLimited: false })
  await vi.waitFor(() => expect(others.filter(({ hasEnded }) => !hasEnded)).toHaveLength(0), WAIT)
  mostUnsent = Math.max(mostUnsent, slowOfServer.bufferedAmount)
  expect(slow.hasEnded, 'while it does not read').toBe(false)
  expect(mostUnsent, 'what is kept for it').toBeGreaterThan(0)
  expect(mostUnsent).toBeLessThan(MAX_UNSENT_BYTES)
  slow.socket.resume()
  await vi.waitFor(() => expect(slow.hasEnded).toBe(true), WAIT)
  expect(viewers.map(({ bytes, wrong }) => wrong ?? bytes)).toEqual(viewers.map(() => output.length))
  await Promise.all(running)
}, 300_000)
