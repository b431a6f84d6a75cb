import { createHash } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import { MAX_CHUNK_BYTES } from '@rollcall/contracts/agent'
import pino from 'pino'
import { describe, expect, it, vi } from 'vitest'
import type { AgentsService } from '../agents/index.ts'
import { encodeFrame } from '../blobs/index.ts'
import { AgentFileReader } from './agent-file-reader.ts'

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')
const CONTENT = Buffer.alloc(2 * MAX_CHUNK_BYTES + 5, 'some words ')

/** An agent that has copied `content`; `change` says what it answers otherwise. */
function readerOf(content: Buffer, change: Record<string, (params: { index: number }) => unknown> = {}) {
  const copy = { size: content.length, sha256: sha256(content), mode: 0o644 }
  const done = { result: { error: null, files_written: 0, files_unchanged: 0, content: copy }, offset: 0 }
  const answers: Record<string, (params: { index: number }) => unknown> = {
    start_transfer: () => ({ result: null, offset: 0 }),
    get_transfer: () => done,
    read_chunk: async ({ index }) => {
      const at = index * MAX_CHUNK_BYTES
      const { frame, data } = await encodeFrame(content.subarray(at, at + MAX_CHUNK_BYTES))
      return { frame, data: data.toString('base64') }
    },
    end_transfer: () => ({}),
    ...change,
  }
  const call = vi.fn(async (_host: string, method: string, params: unknown) =>
    answers[method]?.(params as { index: number }),
  )
  return {
    reader: new AgentFileReader({ call } as unknown as AgentsService, pino({ level: 'silent' })),
    call,
  }
}

const open = (reader: AgentFileReader) =>
  reader.open('host', { kind: 'get_file', path: '/etc/x' }, new AbortController().signal)
const all = async (reader: AgentFileReader) => {
  const file = await open(reader)
  const pieces: Buffer[] = []
  for await (const piece of file.pieces) pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('a file of a host', () => {
  it.each([CONTENT, Buffer.alloc(0), Buffer.alloc(MAX_CHUNK_BYTES, 'x')])(
    'a file of a host arrives as it was copied',
    async (content) => {
      expect((await all(readerOf(content).reader)).equals(content)).toBe(true)
    },
  )

  it('a file of a host whose pieces differ from its copy fails', async () => {
    const other = await encodeFrame(Buffer.alloc(MAX_CHUNK_BYTES, 'y'))
    const { reader } = readerOf(Buffer.alloc(MAX_CHUNK_BYTES, 'x'), {
      read_chunk: () => ({ frame: other.frame, data: other.data.toString('base64') }),
    })
    await expect(all(reader)).rejects.toMatchObject({ code: 'file.content_wrong' })
  })

  it.each([
    ['longer than it says', { encoding: 'identity', bytes: 9, raw_bytes: 9 }, 'too long!'],
    ['no zstd', { encoding: 'zstd', bytes: 4, raw_bytes: 5 }, 'nope'],
  ])('a file of a host with a piece that is %s is refused', async (_what, frame, data) => {
    const { reader } = readerOf(Buffer.from('12345'), {
      read_chunk: () => ({ frame, data: Buffer.from(data).toString('base64') }),
    })
    await expect(all(reader)).rejects.toMatchObject({ code: 'file.content_wrong' })
  })

  it('a file that the host refuses is reported by its code, and leaves nothing there', async () => {
    const error = { code: 'file.not_found', message: 'There is no /etc/x on this host.' }
    const { reader, call } = readerOf(CONTENT, { get_transfer: () => ({ result: { error }, offset: 0 }) })
    await expect(open(reader)).rejects.toMatchObject(error)
    expect(call.mock.calls.map(([, method]) => method)).toContain('end_transfer')
  })

  it('a file of a host whose agent is too old is refused with that reason', async () => {
    const { reader } = readerOf(CONTENT, {
      start_transfer: () => {
        throw new RollcallError('request.invalid', 'order is not valid')
      },
    })
    await expect(open(reader)).rejects.toMatchObject({ code: 'agent.method_unknown' })
  })
})
