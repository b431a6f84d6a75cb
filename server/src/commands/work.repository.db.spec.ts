import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Sealer } from '../platform/crypto/sealer.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { CommandsRepository } from './commands.repository.ts'
import type { Command } from './domain/command.ts'
import { joinChunks, splitPiece } from './domain/output.ts'
import { WorkRepository } from './work.repository.ts'

let test: TestDatabase
let commands: CommandsRepository
let work: WorkRepository

beforeAll(async () => {
  test = await TestDatabase.open()
  commands = new CommandsRepository(test.database, new Sealer(randomBytes(32)))
  work = new WorkRepository(test.database, commands)
})
afterAll(() => test.close())

const now = () => new Date()
const ME = 'server-a'
const YOU = 'server-b'

async function stored(change: Partial<Command> = {}): Promise<Command> {
  const command: Command = {
    id: randomUUID(),
    runId: randomUUID(),
    kind: 'command',
    hostId: randomUUID(),
    hostName: 'h',
    program: 'true',
    args: ['a', 'b c'],
    env: { SECRET: 'hush hush' },
    cwd: '/',
    timeoutMs: 60_000,
    startWithinMs: 60_000,
    tty: false,
    columns: 80,
    rows: 24,
    stdin: false,
    state: 'pending',
    reasonCode: null,
    reason: null,
    exitCode: null,
    signal: null,
    requestedBy: 'spec',
    cancelRequestedAt: null,
    createdAt: now(),
    position: null,
    admittedAt: change.createdAt ?? now(),
    dispatchedAt: null,
    startedAt: null,
    endedAt: null,
    unansweredSince: null,
    outputBytes: 0,
    droppedBytes: 0,
    cutBytes: 0,
    markBytes: 0,
    isOutputCut: false,
    inputBytes: 0,
    outputRemovedAt: null,
    ...change,
  }
  await commands.insertRun({
    id: command.runId,
    bodyHash: 'x',
    requestedBy: 'spec',
    createdAt: now(),
    kind: command.kind,
    commands: [command],
  })
  return command
}

const piece = (stdout: string, stderr = '') =>
  joinChunks([
    { stream: 'stdout', data: Buffer.from(stdout) },
    { stream: 'stderr', data: Buffer.from(stderr) },
  ])

/** As if the server that holds it had died long ago. */
const expireLease = (id: string) =>
  test.database.pool.query("UPDATE command SET lease_until = now() - interval '1 second' WHERE id = $1", [id])

describe('claiming', () => {
  it('gives a command to one of many servers that want it at the same moment', async () => {
    const { id } = await stored()
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        new WorkRepository(test.database, commands).claim(id, `server-${i}`, now()),
      ),
    )
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1)
  })

  it('marks the attempt before it is made, so that a crash right after counts as "may have started"', async () => {
    const { id } = await stored()
    expect(await work.claim(id, ME, now())).toMatchObject({ isFirstAttempt: true })
    expect((await commands.find(id))?.dispatchedAt).toBeInstanceOf(Date)
    expect(await work.claim(id, ME, now())).toMatchObject({ isFirstAttempt: false })
  })

  it('does not mark a command as tried that is cancelled or late', async () => {
    const late = await stored({ createdAt: new Date(Date.now() - 120_000) })
    expect(await work.claim(late.id, ME, now())).toMatchObject({ dispatchedAt: null })
  })

  it('hands a command of a dead server to another, and not before its lease has run out', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    expect(await work.claim(id, YOU, now())).toBeNull()
    expect(await work.due(YOU, now(), 10, [])).not.toContain(id)
    await expireLease(id)
    expect(await work.due(YOU, now(), 10, [])).toContain(id)
    expect(await work.claim(id, YOU, now())).toMatchObject({ id })
  })

  it('finds at once after a restart what the same server held', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    expect(await work.due(ME, now(), 1000, [])).toContain(id)
    expect(await work.due(ME, now(), 1000, [id])).not.toContain(id)
  })
})

describe('what is written under a lease', () => {
  it('stores each byte once, however often the same piece comes', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    expect(await work.append(id, ME, 0, piece('hello'))).toBe(true)
    expect(await work.append(id, ME, 0, piece('hello'))).toBe(false)
    expect(await work.append(id, ME, 7, piece('gap'))).toBe(false)
    expect(await work.append(id, ME, 5, piece('', 'oops'))).toBe(true)
    const chunks = (await work.readPieces(id, 0, 1000)).flatMap((stored) =>
      splitPiece(stored, stored.offset, 0),
    )
    expect(chunks.map((chunk) => [chunk.stream, chunk.offset, chunk.data.toString()])).toEqual([
      ['stdout', 0, 'hello'],
      ['stderr', 5, 'oops'],
    ])
    expect((await commands.find(id))?.outputBytes).toBe(9)
  })

  it('counts what was cut, once, and stores no piece where nothing of it is kept', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    const uncut = { storedBytes: 0, markBytes: 0, cutBytes: 0, isCut: false }
    const cut = { storedBytes: 7, markBytes: 5, cutBytes: 3, isCut: true }
    const more = { ...cut, cutBytes: 10 }
    expect(await work.append(id, ME, 0, piece('heMARK!'), { before: uncut, next: cut })).toBe(true)
    expect(await work.append(id, ME, 7, piece(''), { before: cut, next: more })).toBe(true)
    expect(await work.append(id, ME, 7, piece(''), { before: cut, next: more })).toBe(false)
    expect(await commands.find(id)).toMatchObject({
      outputBytes: 7,
      markBytes: 5,
      cutBytes: 10,
      droppedBytes: 10,
      isOutputCut: true,
    })
    expect(await work.readPieces(id, 0, 100)).toHaveLength(1)
    await work.finish(id, ME, { state: 'success', droppedBytes: 4 }, now())
    expect(await commands.find(id)).toMatchObject({ droppedBytes: 14 })
  })

  it('is refused to a server that lost its lease', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    await expireLease(id)
    await work.claim(id, YOU, now())
    expect(await work.append(id, ME, 0, piece('late'))).toBe(false)
    expect(await work.markRunning(id, ME, now())).toBe(false)
    expect(await work.finish(id, ME, { state: 'failed' }, now())).toBe(false)
    expect(await work.finish(id, YOU, { state: 'success', exitCode: 0 }, now())).toBe(true)
    expect(await commands.find(id)).toMatchObject({ state: 'success', exitCode: 0 })
  })

  it('never changes how a command ended', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    await work.finish(id, ME, { state: 'failed', exitCode: 3 }, now())
    expect(await work.claim(id, ME, now())).toBeNull()
    expect(await work.finish(id, ME, { state: 'success' }, now())).toBe(false)
    expect(await work.requestCancel(id, now())).toBe('ended')
    expect(await commands.find(id)).toMatchObject({ state: 'failed', exitCode: 3, cancelRequestedAt: null })
  })

  it('takes how long the program ran from the host, not from when we heard of it', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    const startedAt = now()
    await work.markRunning(id, ME, startedAt)
    await work.finish(id, ME, { state: 'success', durationMs: 1234 }, new Date(startedAt.getTime() + 60_000))
    expect((await commands.find(id))?.endedAt).toEqual(new Date(startedAt.getTime() + 1234))
    const absurd = await stored()
    await work.claim(absurd.id, ME, now())
    await work.markRunning(absurd.id, ME, startedAt)
    await work.finish(absurd.id, ME, { state: 'success', durationMs: 2 ** 50 }, now())
    expect((await commands.find(absurd.id))?.endedAt?.getTime()).toBeLessThanOrEqual(Date.now())
  })
})

describe('cancelling', () => {
  it('ends a command here and now that was never tried', async () => {
    const { id } = await stored()
    expect(await work.requestCancel(id, now())).toBe('ended')
    expect(await commands.find(id)).toMatchObject({ state: 'cancelled' })
    expect(await work.claim(id, ME, now())).toBeNull()
  })

  it('only asks where it may have started, and reaches whichever server drives it', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    expect(await work.requestCancel(id, now())).toBe('requested')
    expect((await work.renew(ME)).cancelled).toContain(id)
    expect(await work.requestCancel(randomUUID(), now())).toBeNull()
  })
})

describe('an attempt that certainly did nothing', () => {
  it('leaves the command as if it had never been tried, so that it can be cancelled here and now', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    const wait = { until: now(), unansweredSince: now(), reasonCode: 'agent.unreachable', reason: 'off' }
    await work.postpone(id, ME, { ...wait, hasNotStarted: true })
    expect((await commands.find(id))?.dispatchedAt).toBeNull()
    expect(await work.claim(id, YOU, now())).toMatchObject({ isFirstAttempt: true })
    await work.postpone(id, YOU, { ...wait, hasNotStarted: true })
    expect(await work.requestCancel(id, now())).toBe('ended')
  })
})

describe('an installation', () => {
  it('is not ended behind its handler, which has the state of the host to put right', async () => {
    const { id } = await stored({ kind: 'install' })
    expect(await work.requestCancel(id, now())).toBe('requested')
    expect(await commands.find(id)).toMatchObject({ state: 'pending', cancelRequestedAt: expect.any(Date) })
  })

  it('changes its host when it ends, and not one that a newer installation has in hand', async () => {
    const install = await stored({ kind: 'install' })
    const host = (id: string, lastProvisioning: string) =>
      test.database.prisma.host.create({
        data: {
          id,
          name: `host-${id}`,
          address: 'a',
          sshPort: 22,
          sshUser: 'root',
          credential: Buffer.of(1),
          state: 'installing',
          stateSince: now(),
          createdAt: now(),
          lastProvisioning,
        },
      })
    const stateOf = async (id: string) =>
      (await test.database.prisma.host.findUnique({ where: { id } }))?.state
    await host(install.hostId, install.id)
    await work.claim(install.id, ME, now())
    await work.finish(install.id, ME, { state: 'success', hostState: 'online' }, now())
    expect(await stateOf(install.hostId)).toBe('online')

    const stale = await stored({ kind: 'install' })
    await host(stale.hostId, randomUUID())
    await work.claim(stale.id, ME, now())
    await work.finish(stale.id, ME, { state: 'failed', hostState: 'install_failed' }, now())
    expect(await stateOf(stale.hostId)).toBe('installing')

    const remove = await stored({ kind: 'remove', hostId: install.hostId })
    await test.database.prisma.host.update({
      where: { id: install.hostId },
      data: { lastProvisioning: remove.id },
    })
    await work.claim(remove.id, ME, now())
    await work.finish(remove.id, ME, { state: 'success', isHostRemoved: true }, now())
    expect(await stateOf(install.hostId)).toBeUndefined()
  })
})

describe('waiting', () => {
  it('is over when its time has come, and not before', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    const wait = {
      unansweredSince: now(),
      reasonCode: 'agent.unreachable',
      reason: 'away',
      hasNotStarted: false,
    }
    await work.postpone(id, ME, { ...wait, until: new Date(Date.now() + 60_000) })
    expect(await work.due(YOU, now(), 1000, [])).not.toContain(id)
    expect(await work.due(YOU, new Date(Date.now() + 61_000), 1000, [])).toContain(id)
    expect(await commands.find(id)).toMatchObject({
      state: 'pending',
      reasonCode: 'agent.unreachable',
      reason: 'away',
    })
  })
})

describe('reading output', () => {
  it('gives the bytes asked for from any offset, in pages, without loss', async () => {
    const { id } = await stored()
    await work.claim(id, ME, now())
    let whole = Buffer.alloc(0)
    for (let i = 0; i < 40; i++) {
      const next = piece(`line ${i}\n`.repeat(i % 7), i % 3 === 0 ? `err ${i}\n` : '')
      if (next.data.length === 0) continue
      expect(await work.append(id, ME, whole.length, next)).toBe(true)
      whole = Buffer.concat([whole, next.data])
    }
    for (const start of [0, 1, 13, 100, whole.length - 1, whole.length]) {
      let read = Buffer.alloc(0)
      for (let offset = start; ; ) {
        const pieces = await work.readPieces(id, offset, 64)
        const chunks = pieces.flatMap((stored) => splitPiece(stored, stored.offset, offset))
        if (chunks.length === 0) break
        read = Buffer.concat([read, ...chunks.map((chunk) => chunk.data)])
        offset = start + read.length
      }
      expect(read.equals(whole.subarray(start)), `from ${start}`).toBe(true)
    }
  })
})

describe('old output', () => {
  it('goes when it is old enough, and neither that of a newer command nor the record of how it ended', async () => {
    const ended = async (endedAt: Date) => {
      const { id } = await stored()
      await work.claim(id, ME, now())
      await work.append(id, ME, 0, piece('some output'))
      await work.finish(id, ME, { state: 'success', exitCode: 0 }, endedAt)
      return id
    }
    const [old, recent] = [await ended(new Date('2026-01-01')), await ended(new Date('2026-03-01'))]
    expect(await work.removeOutput(new Date('2026-02-01'), now(), 100)).toBe(1)
    expect(await work.removeOutput(new Date('2026-02-01'), now(), 100)).toBe(0)
    expect(await work.readPieces(old, 0, 1000)).toEqual([])
    expect(await commands.find(old)).toMatchObject({
      state: 'success',
      exitCode: 0,
      outputBytes: 11,
      outputRemovedAt: expect.any(Date),
    })
    expect(await work.readPieces(recent, 0, 1000)).toHaveLength(1)
  })
})

describe('output that is too much in all', () => {
  it('goes by those commands that ended first, as much as is asked for, and never by one that runs', async () => {
    const before = await work.sumOutput()
    const ids: string[] = []
    for (const day of ['01', '02', '03']) {
      const { id } = await stored()
      await work.claim(id, ME, now())
      await work.append(id, ME, 0, piece('x'.repeat(100)))
      await work.finish(id, ME, { state: 'success' }, new Date(`2020-01-${day}`))
      ids.push(id)
    }
    const { id: running } = await stored()
    await work.claim(running, ME, now())
    await work.append(running, ME, 0, piece('x'.repeat(100)))
    expect(await work.sumOutput()).toBe(before + 400)
    expect(await work.removeOldestOutput(101, now(), 100)).toEqual({ commands: 2, bytes: 200 })
    expect(await work.sumOutput()).toBe(before + 200)
    const [first, second, third] = ids as [string, string, string]
    for (const id of [first, second]) expect((await commands.find(id))?.outputRemovedAt).not.toBeNull()
    for (const id of [third, running]) expect((await commands.find(id))?.outputRemovedAt).toBeNull()
    await work.removeOldestOutput(1e12, now(), 1000)
    expect((await commands.find(running))?.outputRemovedAt).toBeNull()
    expect(await work.removeOldestOutput(1, now(), 100)).toEqual({ commands: 0, bytes: 0 })
  })
})

describe('secrets at rest', () => {
  it('are nowhere in the tables', async () => {
    const { id } = await stored()
    expect((await commands.find(id))?.env).toEqual({ SECRET: 'hush hush' })
    const { rows } = await test.database.pool.query(
      'SELECT command::text AS text FROM command WHERE id = $1',
      [id],
    )
    expect(rows[0].text).not.toContain('hush')
    expect(rows[0].text).not.toContain(Buffer.from('hush hush').toString('hex'))
  })
})
