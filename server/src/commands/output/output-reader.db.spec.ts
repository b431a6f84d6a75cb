import { randomBytes, randomUUID } from 'node:crypto'
import type { CommandOutput } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Sealer } from '../../platform/crypto/sealer.ts'
import { TestDatabase } from '../../platform/testing/test-database.ts'
import { RunsRepository } from '../../runs/index.ts'
import { CommandLeasesRepository } from '../command-leases.repository.ts'
import { CommandLifecycleRepository } from '../command-lifecycle.repository.ts'
import { CommandsRepository } from '../commands.repository.ts'
import { newCommand } from '../domain/command.ts'
import { joinChunks } from './domain/output.ts'
import { OutputRepository } from './output.repository.ts'
import { OutputReader } from './output-reader.ts'

const ME = 'server-a'
let test: TestDatabase
let reader: OutputReader
let id: string
/** Every byte with its stream, as it was written. */
const written: { stream: 'stdout' | 'stderr'; text: string; offset: number }[] = []
let size = 0

beforeAll(async () => {
  test = await TestDatabase.open()
  const commands = new CommandsRepository(test.database, new Sealer(randomBytes(32)))
  const leases = new CommandLeasesRepository(test.database, commands)
  const lifecycle = new CommandLifecycleRepository(test.database)
  const outputs = new OutputRepository(test.database)
  reader = new OutputReader(commands, outputs)
  const at = new Date()
  const spec = {
    program: 'x',
    args: [],
    env: {},
    cwd: '/',
    timeoutMs: 1000,
    startWithinMs: 1000,
    tty: false,
    columns: 80,
    rows: 24,
    stdin: false,
  }
  const run = { runId: randomUUID(), requestedBy: 'spec', createdAt: at }
  const command = newCommand('command', { id: randomUUID(), name: 'h' }, spec, run, {
    position: null,
    admittedAt: at,
  })
  id = command.id
  await new RunsRepository(test.database, commands, lifecycle).insert({
    id: run.runId,
    bodyHash: '',
    requestedBy: 'spec',
    createdAt: at,
    kind: 'command',
    commands: [command],
  })
  await leases.acquire(id, ME, at)
  for (let i = 0; i < 300; i++) {
    const chunks = [{ stream: 'stdout' as const, text: `out ${i}\n`.repeat(1 + (i % 5)) }]
    // Nothing but stdout for long, as of a build that complains at its end.
    if (i % 90 === 89) chunks.push({ stream: 'stderr' as never, text: `err ${i}\n` })
    const start = size
    for (const { stream, text } of chunks) {
      written.push({ stream, text, offset: size })
      size += text.length
    }
    await outputs.append(
      id,
      ME,
      start,
      joinChunks(chunks.map(({ stream, text }) => ({ stream, data: Buffer.from(text) }))),
    )
  }
  await lifecycle.end(id, ME, { state: 'success', exitCode: 0 }, at)
})
afterAll(() => test.close())

const toText = ({ chunks }: Pick<CommandOutput, 'chunks'>) =>
  chunks.map(({ data }) => Buffer.from(data, 'base64').toString()).join('')
const whole = (stream?: string) =>
  written
    .filter((each) => stream === undefined || each.stream === stream)
    .map(({ text }) => text)
    .join('')

it.each([undefined, 'stdout', 'stderr'] as const)(
  'all output of %s is read forwards, page by page, up to its end',
  async (stream) => {
    let text = ''
    let pages = 0
    for (let offset = 0, isFinal = false; !isFinal && pages < 1000; pages++) {
      const page = await reader.read(id, { offset, maxBytes: 200, stream })
      text += toText(page)
      expect(page.nextOffset).toBeGreaterThan(offset)
      ;({ nextOffset: offset, isFinal } = page)
    }
    expect(text).toBe(whole(stream))
    // What the other stream says between two lines of this one costs no page.
    if (stream === 'stderr') expect(pages).toBeLessThan(4)
  },
)

it.each([undefined, 'stdout', 'stderr'] as const)(
  'all output of %s is read backwards from the end, without a gap',
  async (stream) => {
    let text = ''
    for (let before = size; before > 0; ) {
      const page = await reader.read(id, { offset: 0, maxBytes: 200, stream, before })
      text = toText(page) + text
      expect(page.firstOffset).toBeLessThan(before)
      before = page.firstOffset
    }
    expect(text).toBe(whole(stream))
  },
)

it('a read that begins within a piece gives the bytes from there on, each at its own offset', async () => {
  const { chunks } = await reader.read(id, { offset: 3, maxBytes: 1, stream: 'stdout' })
  expect(chunks[0]).toMatchObject({ offset: 3, stream: 'stdout' })
  const back = await reader.read(id, { offset: 0, maxBytes: 1, before: 3 })
  expect(toText(back)).toBe('out')
})
