import { randomBytes, randomUUID } from 'node:crypto'
import { type CommandView, isFinalState, type NewRunInput, newRun } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { admin } from '../access/testing/principals.ts'
import {
  CommandLeasesRepository,
  CommandLifecycleRepository,
  CommandsRepository,
  type CommandsService,
  type CommandWorker,
  joinChunks,
  OutputRepository,
} from '../commands/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { partOf } from '../platform/testing/part-of.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { AdmissionsRepository } from './admissions.repository.ts'
import { nextAdmissions } from './domain/admissions.ts'
import { RunSummaries } from './run-summaries.ts'
import { RunsRepository } from './runs.repository.ts'
import { RunsService } from './runs.service.ts'

let test: TestDatabase
let clock: ManualClock
let leases: CommandLeasesRepository
let lifecycle: CommandLifecycleRepository
let outputs: OutputRepository
let rows: CommandsRepository
let admissions: AdmissionsRepository
let runs: RunsRepository
let service: RunsService
let summaries: RunSummaries
let announced: string[]

beforeAll(async () => {
  test = await TestDatabase.open()
  const sealer = new Sealer(randomBytes(32))
  clock = new ManualClock('2026-01-01T00:00:00Z')
  rows = new CommandsRepository(test.database, sealer)
  leases = new CommandLeasesRepository(test.database, rows)
  lifecycle = new CommandLifecycleRepository(test.database)
  outputs = new OutputRepository(test.database)
  admissions = new AdmissionsRepository(test.database, lifecycle)
  runs = new RunsRepository(test.database, rows, lifecycle)
  const worker = partOf<CommandWorker>({ announce: (id) => void announced.push(id) })
  const commands = partOf<CommandsService>({ announceCancelled: () => undefined })
  const hosts = new HostsRepository(test.database, sealer)
  service = new RunsService(runs, rows, commands, worker, hosts, clock)
  summaries = new RunSummaries(service, runs, outputs)
})
afterAll(() => test.close())
beforeEach(async () => {
  announced = []
  await test.empty('host', 'run')
})

const addHost = (name: string, labels: Record<string, string> = {}, isInstalled = true) =>
  addTestHost(test.database, { name, labels, isInstalled, at: clock.now() })
const addHosts = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => addHost(`h-${String(i).padStart(3, '0')}`)))

const run = (request: Partial<NewRunInput>) =>
  service.run(newRun.parse({ program: 'true', ...request }), admin('spec'))
const hostsOf = (accepted: { commands: { hostName: string }[] }) => accepted.commands.map((c) => c.hostName)

/** Ends a command whose turn it is, as a server does. */
async function end(
  id: string,
  state: Exclude<CommandView['state'], 'pending' | 'running'> = 'success',
  output = '',
) {
  expect(await leases.acquire(id, 'server', clock.now()), 'its turn').not.toBeNull()
  await lifecycle.start(id, 'server', clock.now())
  if (output)
    await outputs.append(id, 'server', 0, joinChunks([{ stream: 'stdout', data: Buffer.from(output) }]))
  await lifecycle.end(id, 'server', { state, exitCode: state === 'success' ? 0 : 1 }, clock.now())
}
const decide = (runId: string) => admissions.decide(runId, clock.now(), nextAdmissions)
const countsOf = async (runId: string) => (await service.show(runId, null)).counts

describe('where a run goes', () => {
  it('the hosts of a run are selected when it is accepted: the same request later names the same, though others fit by then', async () => {
    for (const name of ['b', 'a']) await addHost(name, { env: 'prod' })
    await addHost('c', { env: 'test' })
    await addHost('d', { env: 'prod' }, false)
    const request = { runId: randomUUID(), labels: ['env=prod'] }
    const first = await run(request)
    expect(hostsOf(first)).toEqual(['a', 'b'])
    expect(first.skipped).toEqual([{ host: 'd', reason: 'its agent is still being installed' }])
    await addHost('e', { env: 'prod' })
    const again = await run(request)
    expect(hostsOf(again).toSorted()).toEqual(['a', 'b'])
    expect(again.skipped).toEqual(first.skipped)
    await expect(run({ ...request, labels: ['env=test'] })).rejects.toMatchObject({
      code: 'command.id_conflict',
    })
    expect(await service.show(request.runId, null)).toMatchObject({
      target: { by: 'labels', labels: ['env=prod'] },
      total: 2,
      requestedBy: 'spec',
      skipped: first.skipped,
    })
  })

  it('a run is refused where no host fits, and where a named host has no agent', async () => {
    await addHost('a', {}, false)
    await expect(run({ labels: ['env=prod'] })).rejects.toMatchObject({ code: 'host.none_selected' })
    await expect(run({ all: true })).rejects.toMatchObject({ code: 'host.not_installed' })
    await expect(run({ hosts: ['a'] })).rejects.toMatchObject({ code: 'host.not_installed' })
    await expect(run({ hosts: ['x'] })).rejects.toMatchObject({ code: 'host.not_found' })
  })

  it('a run on all hosts without limits begins on every host at once', async () => {
    await addHosts(5)
    const { commands } = await run({ all: true, limits: {} })
    expect(announced.toSorted()).toEqual(commands.map(({ id }) => id).toSorted())
    expect(await admissions.admitting('00000000-0000-0000-0000-000000000000', 10)).toEqual([])
  })
})

describe('a run with limits', () => {
  it('a run with limits hands out only commands whose turn it is, and counts the rest as held', async () => {
    await addHosts(5)
    const { runId, commands } = await run({ all: true, limits: { concurrency: 2 } })
    expect(announced).toEqual(commands.slice(0, 2).map(({ id }) => id))
    expect((await leases.due('server', clock.now(), 100, [])).toSorted()).toEqual(announced.toSorted())
    expect(await leases.acquire(commands[2]?.id ?? '', 'server', clock.now())).toBeNull()
    expect(await countsOf(runId)).toMatchObject({ held: 3, pending: 2 })
  })

  it('a run with limits is never above its bound and ends, with servers that decide at the same time', async () => {
    await addHosts(40)
    const { runId } = await run({ all: true, limits: { concurrency: 3 } })
    const due = [...announced]
    for (let ended = 0; ended < 40; ended++) {
      await end(due.shift() ?? '')
      const turns = await Promise.all(Array.from({ length: 4 }, () => decide(runId)))
      due.push(...turns.flatMap(({ admitted }) => admitted))
      const { held, pending } = await countsOf(runId)
      expect(pending).toBe(Math.min(3, 39 - ended))
      expect(held).toBe(Math.max(0, 36 - ended))
    }
    expect(await service.show(runId, null)).toMatchObject({
      counts: { success: 40 },
      endedAt: expect.any(String),
    })
    expect(await admissions.admitting('00000000-0000-0000-0000-000000000000', 10)).toEqual([])
  })

  it('a run whose server died right after a command had ended is found by the sweeper', async () => {
    await addHosts(2)
    const { runId, commands } = await run({ all: true, limits: { concurrency: 1 } })
    await end(announced[0] ?? '')
    expect(await admissions.admitting('00000000-0000-0000-0000-000000000000', 10)).toEqual([runId])
    expect((await decide(runId)).admitted).toEqual([commands[1]?.id])
    // And a server that died between the decision and its consequence: the command is simply due.
    expect(await leases.due('other', clock.now(), 10, [])).toEqual([commands[1]?.id])
  })

  it('a run in waves begins them one after the other', async () => {
    await addHosts(5)
    const { runId } = await run({ all: true, limits: { batch: '40%' } })
    expect(announced).toHaveLength(2)
    await end(announced[0] ?? '')
    expect((await decide(runId)).admitted).toEqual([])
    await end(announced[1] ?? '', 'failed')
    expect((await decide(runId)).admitted).toHaveLength(2)
  })

  it('a run that stops after failures lets commands end that run, and says of the held ones why they never began', async () => {
    await addHosts(6)
    const { runId, commands } = await run({ all: true, limits: { concurrency: 2, stopAfterFailures: 1 } })
    await end(announced[0] ?? '', 'failed')
    expect((await decide(runId)).stopped).toHaveLength(4)
    expect(await countsOf(runId)).toMatchObject({ pending: 1, failed: 1, cancelled: 4, held: 0 })
    await end(announced[1] ?? '')
    expect(await rows.find(commands[5]?.id ?? '')).toMatchObject({
      state: 'cancelled',
      reasonCode: 'run.stopped',
      startedAt: null,
      reason: expect.stringContaining('after 1 host had failed'),
    })
    expect(await service.show(runId, null)).toMatchObject({
      stoppedAt: expect.any(String),
      endedAt: expect.any(String),
    })
  })

  it('a run is never seen to have ended without the reason why it stopped', async () => {
    await addHosts(2)
    for (let round = 0; round < 20; round++) {
      announced = []
      const { runId } = await run({ all: true, limits: { concurrency: 1, stopAfterFailures: 1 } })
      await end(announced[0] ?? '', 'failed')
      const [, ...seen] = await Promise.all([
        decide(runId),
        ...Array.from({ length: 8 }, () => service.show(runId, null)),
      ])
      for (const { endedAt, stoppedAt } of seen) if (endedAt) expect(stoppedAt).not.toBeNull()
    }
  })

  it('a host has its whole time to accept a command, counted from its turn', async () => {
    await addHosts(2)
    const { runId } = await run({ all: true, startWithinMs: 60_000, limits: { concurrency: 1 } })
    clock.advance(3_600_000)
    await end(announced[0] ?? '')
    const [second] = (await decide(runId)).admitted
    clock.advance(59_000)
    expect(await leases.acquire(second ?? '', 'server', clock.now())).toMatchObject({
      dispatchedAt: clock.now(),
    })
  })

  it('a run continues where one held command was cancelled', async () => {
    await addHosts(3)
    const { runId, commands } = await run({ all: true, limits: { batch: 1 } })
    expect(await lifecycle.requestCancel(commands[1]?.id ?? '', clock.now())).toBe('ended')
    await end(announced[0] ?? '')
    expect((await decide(runId)).admitted).toEqual([commands[2]?.id])
  })

  it('a cancelled run never begins a command that was held', async () => {
    await addHosts(4)
    const { runId, commands } = await run({ all: true, limits: { concurrency: 2 } })
    await leases.acquire(announced[0] ?? '', 'server', clock.now())
    expect((await service.cancel(runId, null)).counts).toMatchObject({ cancelled: 3, pending: 1, held: 0 })
    expect((await decide(runId)).admitted).toEqual([])
    expect(await rows.find(commands[0]?.id ?? '')).toMatchObject({ cancelRequestedAt: clock.now() })
    await end(announced[0] ?? '', 'cancelled')
    expect(await service.show(runId, null)).toMatchObject({ cancelRequested: true, counts: { cancelled: 4 } })
  })

  it('a run can be cancelled while servers decide on it, without a deadlock', async () => {
    await addHosts(200)
    const { runId } = await run({ all: true, limits: { concurrency: 50 } })
    await Promise.all([...Array.from({ length: 8 }, () => decide(runId)), service.cancel(runId, null)])
    expect(await countsOf(runId)).toMatchObject({ cancelled: 200 })
  })
})

describe('the list of runs', () => {
  it('the list of runs shows the newest first, in pages, with playbooks and without installations', async () => {
    await addHosts(1)
    const ids: string[] = []
    for (let i = 0; i < 5; i++) {
      clock.advance(1000)
      ids.unshift((await run({ all: true, args: [String(i)] })).runId)
    }
    await test.database.prisma.run.update({ where: { id: ids[1] ?? '' }, data: { kind: 'playbook' } })
    await test.database.prisma.run.create({
      data: {
        id: randomUUID(),
        bodyHash: '',
        requestedBy: '',
        createdAt: clock.now(),
        kind: 'install',
        total: 0,
      },
    })
    const first = await service.list(null, 3, undefined)
    const second = await service.list(null, 3, first[2]?.id)
    expect([...first, ...second].map(({ id }) => id)).toEqual(ids)
    expect(first[0]).toMatchObject({
      program: 'true',
      args: ['4'],
      target: { by: 'all', labels: [] },
      limits: null,
    })
  })
})

describe('the summary of a run', () => {
  const write = (id: string, ...pieces: [string, string][]) =>
    pieces.reduce(async (before, [stdout, stderr]) => {
      const offset = await before
      const piece = joinChunks([
        { stream: 'stdout', data: Buffer.from(stdout) },
        { stream: 'stderr', data: Buffer.from(stderr) },
      ])
      expect(await outputs.append(id, 'server', offset, piece)).toBe(true)
      return offset + piece.data.length
    }, Promise.resolve(0))

  async function outcome(id: string, exitCode: number, ...pieces: [string, string][]) {
    await leases.acquire(id, 'server', clock.now())
    await write(id, ...pieces)
    await lifecycle.end(id, 'server', { state: exitCode === 0 ? 'success' : 'failed', exitCode }, clock.now())
  }
  const shape = ({ groups }: Awaited<ReturnType<RunSummaries['summarize']>>) =>
    groups.map(({ hosts, state, exitCode }) => `${hosts.join()} ${state} ${exitCode}`)
  const text = (group: { sample: { data: string }[] } | undefined) =>
    group?.sample.map(({ data }) => String(Buffer.from(data, 'base64'))).join('')

  it('puts together what ended alike, however the two streams were interleaved and cut into pieces', async () => {
    await addHosts(7)
    const { runId, commands } = await run({ all: true })
    const id = (place: number) => commands[place]?.id ?? ''
    await outcome(id(0), 0, ['one\ntwo\n', 'oops\n'])
    await outcome(id(1), 0, ['one\n', 'oops\n'], ['two\n', ''])
    await outcome(id(2), 0, ['one\ntwo\noops\n', ''])
    await outcome(id(3), 3, ['one\ntwo\n', 'oops\n'])
    await outcome(id(4), 0, ['one\n', 'oo'], ['two\n', 'ps\n'])
    await outcome(id(5), 0)
    const summary = await summaries.summarize(runId, null)
    expect(shape(summary)).toEqual([
      'h-000,h-001,h-004 success 0',
      'h-002 success 0',
      'h-003 failed 3',
      'h-005 success 0',
      'h-006 pending null',
    ])
    expect(text(summary.groups[0])).toBe('one\ntwo\noops\n')
    expect(summary.groups[0]?.sample.map(({ stream }) => stream)).toEqual(['stdout', 'stderr'])
    expect(
      summary.groups.every(({ isSampleWhole, isComparedWhole }) => isSampleWhole && isComparedWhole),
    ).toBe(true)
    expect(shape(await summaries.summarize(runId, null))).toEqual(shape(summary))
  })

  it('compares long output by its size and first MiB, says so, and shows its beginning', async () => {
    await addHosts(3)
    const { runId, commands } = await run({ all: true })
    const long = 'x'.repeat(1024 * 1024)
    const tails = ['a', 'b', 'bb']
    for (const [i, tail] of tails.entries()) await outcome(commands[i]?.id ?? '', 0, [long, ''], [tail, ''])
    const summary = await summaries.summarize(runId, null)
    expect(shape(summary)).toEqual(['h-000,h-001 success 0', 'h-002 success 0'])
    expect(summary.groups[0]).toMatchObject({
      isComparedWhole: false,
      isSampleWhole: false,
      outputBytes: 2 ** 20 + 1,
    })
    expect(text(summary.groups[0])).toHaveLength(4096)
  })

  it('the summary of thousands of hosts whose outputs all differ is bounded', async () => {
    await addHosts(1)
    const { runId } = await run({ all: true })
    await test.database.pool.query(
      `WITH copy AS (
         INSERT INTO command (id, run_id, kind, host_id, host_name, program, args, env, cwd, timeout_ms, start_within_ms,
           tty, columns, rows, stdin, state, exit_code, requested_by, created_at, next_attempt_at, admitted_at, output_bytes)
         SELECT gen_random_uuid(), run_id, kind, gen_random_uuid(), 'n-' || n, program, args, env, cwd, timeout_ms,
           start_within_ms, tty, columns, rows, stdin, 'success', 0, requested_by, created_at, next_attempt_at,
           admitted_at, 5000
         FROM command, generate_series(1, 3000) AS n WHERE run_id = $1 RETURNING id
       )
       INSERT INTO output_chunk SELECT id, 0, convert_to(rpad(id::text, 5000), 'UTF8'), '{5000}' FROM copy`,
      [runId],
    )
    await test.database.pool.query('UPDATE run SET total = 3001 WHERE id = $1', [runId])
    const began = performance.now()
    const { groups } = await summaries.summarize(runId, null)
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(groups).toHaveLength(3001)
    expect(groups.filter(({ sample }) => sample.length > 0)).toHaveLength(1024)
  })

  it('a summary says of outputs that were removed before they were compared that they were not', async () => {
    await addHosts(2)
    const { runId, commands } = await run({ all: true })
    await outcome(commands[0]?.id ?? '', 0, ['a', ''])
    await outcome(commands[1]?.id ?? '', 0, ['b', ''])
    await outputs.removeEndedBefore(new Date('2100-01-01'), clock.now(), 100)
    const { groups } = await summaries.summarize(runId, null)
    expect(groups).toMatchObject([{ hosts: ['h-000', 'h-001'], isComparedWhole: false, sample: [] }])
  })

  it('a summary is made while the run is under way', async () => {
    await addHosts(3)
    const { runId } = await run({ all: true, limits: { concurrency: 1 } })
    await leases.acquire(announced[0] ?? '', 'server', clock.now())
    await lifecycle.start(announced[0] ?? '', 'server', clock.now())
    const { groups } = await summaries.summarize(runId, null)
    expect(groups.map(({ hosts, state, isHeld }) => [hosts.length, state, isHeld])).toEqual([
      [2, 'pending', true],
      [1, 'running', false],
    ])
    expect(groups.some(({ state }) => isFinalState(state))).toBe(false)
  })
})
