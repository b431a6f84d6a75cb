import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LiveEvent } from '@rollcall/contracts/admin'
import { afterEach, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { type ShownTransfer, showTransferUntilEnd } from './show-transfer.ts'

const ID = '11111111-2222-4333-8444-555555555555'
const NONE = { pending: 0, running: 0, success: 0, failed: 0, cancelled: 0 }
const transfer = (endedAt: string | null): ShownTransfer['transfer'] => ({
  id: ID,
  kind: 'file',
  destination: '/x',
  isDryRun: false,
  requestedBy: 'me',
  endedAt,
  createdAt: '2026-01-01T00:00:00.000Z',
  counts: { ...NONE, ...(endedAt === null ? { running: 2 } : { success: 2 }) },
})
const host = (name: string, bytes: number): ShownTransfer['hosts'][number] => ({
  host: name,
  state: 'running',
  bytes,
  totalBytes: 100,
  filesWritten: null,
  filesUnchanged: null,
  changes: null,
  reasonCode: null,
  reason: null,
})
const progress = (name: string, bytes: number) => {
  const { changes: _changes, ...rest } = host(name, bytes)
  return rest
}
const END = '2026-01-01T00:00:01.000Z'

let http: Server | undefined
afterEach(() => void http?.close())

/** A server that says this on each connection in turn, or refuses them with a status. */
async function serverThat(says: LiveEvent[][] | number): Promise<string> {
  const live = new WebSocketServer({ noServer: true })
  let connections = 0
  http = createServer().on('upgrade', (request, socket, head) => {
    if (typeof says === 'number') return void socket.end(`HTTP/1.1 ${says} No\r\ncontent-length: 2\r\n\r\nno`)
    live.handleUpgrade(request, socket, head, (ws) =>
      ws.on('message', (text) => {
        expect(JSON.parse(String(text))).toEqual({ type: 'follow-transfer', transferId: ID })
        for (const event of says[connections] ?? []) ws.send(JSON.stringify(event))
        connections++
        ws.close()
      }),
    )
  })
  await new Promise<void>((resolve) => http?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Follows a transfer. Returns what was drawn, and how often the server was asked. */
async function follow(url: string, answers: ShownTransfer[]) {
  const drawn: string[] = []
  let asked = 0
  const context = {
    api: { call: async () => answers[Math.min(asked++, answers.length - 1)] },
    env: {},
    find: async () => ({ url: new URL(url), apiKey: 'key' }),
    notice: () => undefined,
    stderr: { isTTY: true, write: (text: string) => drawn.push(text.replace('\r\x1b[2K', '')) },
  }
  const shown = await showTransferUntilEnd(context as never, ID)
  return { shown, drawn, asked }
}
const ended: ShownTransfer = { transfer: transfer(END), hosts: [host('a', 100), host('b', 100)] }

it('progress is drawn as the server tells it, over a lost connection, and the server is asked once in the end', async () => {
  const url = await serverThat([
    [{ type: 'transfer', transfer: transfer(null), hosts: [progress('a', 0), progress('b', 50)] }],
    [
      { type: 'transfer', transfer: transfer(null), hosts: [progress('a', 100)] },
      { type: 'transfer-end', transfer: transfer(END) },
    ],
  ])
  const { shown, drawn, asked } = await follow(url, [ended])
  expect(shown).toBe(ended)
  expect(drawn).toEqual(['2 running, 25 %', '2 running, 75 %', ''])
  expect(asked).toBe(1)
})

it('the server is asked now and then where live connections are refused', async () => {
  const { shown, drawn, asked } = await follow(await serverThat(403), [
    { transfer: transfer(null), hosts: [host('a', 10), host('b', 10)] },
    ended,
  ])
  expect(shown).toBe(ended)
  expect(drawn).toEqual(['2 running, 10 %', ''])
  expect(asked).toBe(2)
})

it('the server is asked now and then where it knows of no transfers to follow', async () => {
  const { shown } = await follow(
    await serverThat([
      [{ type: 'error', commandId: null, code: 'request.invalid', message: 'Send follow.' }],
    ]),
    [ended],
  )
  expect(shown).toBe(ended)
})
