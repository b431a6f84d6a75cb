import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandLifecycleRepository } from './command-lifecycle.repository.ts'
import type { EndedCommand } from './domain/command.ts'
import { pieceOf, StoredCommands } from './testing/stored-commands.ts'

const ME = 'server-a'
const OTHER = 'server-b'
const now = () => new Date()

let stored: StoredCommands
beforeAll(async () => {
  stored = await StoredCommands.open()
})
afterAll(() => stored.close())

describe('changing a command under its lease', () => {
  it('a server that lost the lease of a command cannot change it', async () => {
    const { id } = await stored.addLeased(ME)
    await stored.expireLease(id)
    await stored.leases.acquire(id, OTHER, now())
    expect(await stored.outputs.append(id, ME, 0, pieceOf('late'))).toBe(false)
    expect(await stored.lifecycle.start(id, ME, now())).toBe(false)
    expect(await stored.lifecycle.end(id, ME, { state: 'failed' }, now())).toBe(false)
    expect(await stored.lifecycle.end(id, OTHER, { state: 'success', exitCode: 0 }, now())).toBe(true)
    expect(await stored.commands.find(id)).toMatchObject({ state: 'success', exitCode: 0 })
  })

  it('the end of a command is never changed', async () => {
    const { id } = await stored.addLeased(ME)
    await stored.lifecycle.end(id, ME, { state: 'failed', exitCode: 3 }, now())
    expect(await stored.leases.acquire(id, ME, now())).toBeNull()
    expect(await stored.lifecycle.end(id, ME, { state: 'success' }, now())).toBe(false)
    expect(await stored.lifecycle.requestCancel(id, now())).toBe('ended')
    expect(await stored.commands.find(id)).toMatchObject({
      state: 'failed',
      exitCode: 3,
      cancelRequestedAt: null,
    })
  })

  it('the duration of a program is taken from its host, and not from when the server heard of it', async () => {
    const { id } = await stored.addLeased(ME)
    const startedAt = now()
    await stored.lifecycle.start(id, ME, startedAt)
    const heardAt = new Date(startedAt.getTime() + 60_000)
    await stored.lifecycle.end(id, ME, { state: 'success', durationMs: 1234 }, heardAt)
    expect((await stored.commands.find(id))?.endedAt).toEqual(new Date(startedAt.getTime() + 1234))
    const absurd = await stored.addLeased(ME)
    await stored.lifecycle.start(absurd.id, ME, startedAt)
    await stored.lifecycle.end(absurd.id, ME, { state: 'success', durationMs: 2 ** 50 }, now())
    expect((await stored.commands.find(absurd.id))?.endedAt?.getTime()).toBeLessThanOrEqual(Date.now())
  })
})

describe('cancelling a command', () => {
  it('cancelling ends a command at once that was never tried', async () => {
    const { id } = await stored.add()
    expect(await stored.lifecycle.requestCancel(id, now())).toBe('ended')
    expect(await stored.commands.find(id)).toMatchObject({ state: 'cancelled' })
    expect(await stored.leases.acquire(id, ME, now())).toBeNull()
  })

  it('cancelling a command that may have started only asks, and reaches whichever server drives it', async () => {
    const { id } = await stored.addLeased(ME)
    expect(await stored.lifecycle.requestCancel(id, now())).toBe('requested')
    expect(await stored.leases.cancelRequested([id])).toEqual([id])
    expect(await stored.lifecycle.requestCancel(randomUUID(), now())).toBeNull()
  })

  it('cancelling leaves the end of an installation to its handler, which has the state of the host to put right', async () => {
    const { id } = await stored.add({ kind: 'install' })
    expect(await stored.lifecycle.requestCancel(id, now())).toBe('requested')
    expect(await stored.commands.find(id)).toMatchObject({
      state: 'pending',
      cancelRequestedAt: expect.any(Date),
    })
  })
})

describe('a hook on the end of commands', () => {
  it('a hook on endings hears of commands that ended together in one call, and of none that had ended before', async () => {
    const lifecycle = new CommandLifecycleRepository(stored.test.database)
    const calls: (readonly EndedCommand[])[] = []
    lifecycle.onCommandEnded(['command', 'terminal'], async (_transaction, ended) => void calls.push(ended))
    const [first, second] = [await stored.addLeased(ME), await stored.addLeased(ME, { kind: 'terminal' })]
    const at = now()
    const ending = { state: 'failed', exitCode: 1 } as const
    await Promise.all([first, second].map(({ id }) => lifecycle.end(id, ME, ending, at)))
    await lifecycle.end(first.id, ME, ending, at)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.toSorted((a, b) => a.kind.localeCompare(b.kind))).toEqual([
      { id: first.id, hostId: first.hostId, kind: 'command', ending, at },
      { id: second.id, hostId: second.hostId, kind: 'terminal', ending, at },
    ])
  })

  it('a hook that fails undoes the end of the command and its own changes', async () => {
    const lifecycle = new CommandLifecycleRepository(stored.test.database)
    const { id, runId } = await stored.addLeased(ME)
    const hook = { fails: true }
    lifecycle.onCommandEnded(['command'], async (transaction) => {
      await transaction.execute("UPDATE run SET requested_by = 'the hook' WHERE id = $1", [runId])
      if (hook.fails) throw new Error('the hook failed')
    })
    const requestedBy = async () =>
      (await stored.test.database.prisma.run.findUnique({ where: { id: runId } }))?.requestedBy
    await expect(lifecycle.end(id, ME, { state: 'success' }, now())).rejects.toThrow('the hook failed')
    expect(await stored.commands.find(id)).toMatchObject({ state: 'pending' })
    expect(await requestedBy()).toBe('spec')
    hook.fails = false
    expect(await lifecycle.end(id, ME, { state: 'success' }, now())).toBe(true)
    expect(await requestedBy()).toBe('the hook')
  })

  it('a hook hears of its own kinds alone, and the end of others is stored without it', async () => {
    const lifecycle = new CommandLifecycleRepository(stored.test.database)
    const heard: string[] = []
    lifecycle.onCommandEnded(['install'], async (_transaction, ended) => {
      heard.push(...ended.map(({ id }) => id))
    })
    const [command, install] = [await stored.addLeased(ME), await stored.addLeased(ME, { kind: 'install' })]
    const ends = [command, install].map(({ id }) => lifecycle.end(id, ME, { state: 'success' }, now()))
    expect(await Promise.all(ends)).toEqual([true, true])
    expect(heard).toEqual([install.id])
  })

  it('what is added to the end of commands is changed with it, and not for one that had ended before', async () => {
    const lifecycle = new CommandLifecycleRepository(stored.test.database)
    lifecycle.addToEnd(
      `noted AS (UPDATE run SET requested_by = run.requested_by || ' ' || ended.state FROM ended
        JOIN command USING (id) WHERE run.id = command.run_id AND ended.kind = 'command')`,
    )
    const { id, runId } = await stored.addLeased(ME)
    expect(await lifecycle.end(id, ME, { state: 'failed' }, now())).toBe(true)
    expect(await lifecycle.end(id, ME, { state: 'success' }, now())).toBe(false)
    const run = await stored.test.database.prisma.run.findUniqueOrThrow({ where: { id: runId } })
    expect(run.requestedBy).toBe('spec failed')
  })
})
