import { createHash, randomBytes, randomUUID } from 'node:crypto'
import {
  type FiringOutcome,
  type NewScheduleInput,
  newRun,
  newSavedCommand,
  newSchedule,
  type ScheduleView,
} from '@rollcall/contracts/admin'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AccessService, Principal } from '../access/index.ts'
import { admin, limited } from '../access/testing/principals.ts'
import {
  CommandLeasesRepository,
  CommandLifecycleRepository,
  CommandsRepository,
  type CommandWorker,
} from '../commands/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { ConcurrentUpdateError } from '../platform/leases/concurrent-update-error.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { partOf } from '../platform/testing/part-of.ts'
import { runOnce } from '../platform/testing/run-tasks.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { RunsRepository, RunsService, TargetReach } from '../runs/index.ts'
import { SavedCommandsRepository, SavedCommandsService, toSpec } from '../saved-commands/index.ts'
import { ScheduleReconciler } from './schedule.reconciler.ts'
import { SchedulesRepository } from './schedules.repository.ts'
import { SchedulesService } from './schedules.service.ts'

let test: TestDatabase
let clock: ManualClock
let leases: CommandLeasesRepository
let lifecycle: CommandLifecycleRepository
let rows: CommandsRepository
let runs: RunsService
let saved: SavedCommandsService
let schedules: SchedulesService
let repository: SchedulesRepository
let servers: ScheduleReconciler[]
let announced: string[]
/** Who there is now, by id. */
let people: Map<string, Principal>
const spec = admin('spec')
/** In Berlin, in 2026. */
const CLOCK_CHANGES = ['2026-03-29', '2026-10-25']

beforeAll(async () => {
  test = await TestDatabase.open()
  const sealer = new Sealer(randomBytes(32))
  clock = new ManualClock('2026-01-01T00:00:00Z')
  rows = new CommandsRepository(test.database, sealer)
  leases = new CommandLeasesRepository(test.database, rows)
  lifecycle = new CommandLifecycleRepository(test.database)
  const worker = partOf<CommandWorker>({ announce: (id) => void announced.push(id) })
  const hosts = new HostsRepository(test.database, sealer)
  const runRows = new RunsRepository(test.database, rows, lifecycle)
  runs = new RunsService(runRows, rows, partOf({}), worker, hosts, clock)
  const reach = new TargetReach(hosts)
  const access = partOf<AccessService>({ findByRef: async ({ id }) => people.get(id) })
  saved = new SavedCommandsService(
    new SavedCommandsRepository(test.database, sealer),
    runs,
    reach,
    access,
    clock,
  )
  repository = new SchedulesRepository(test.database, runRows, sealer)
  schedules = new SchedulesService(repository, saved, reach, clock)
  const log = pino({ level: 'silent' })
  servers = [1, 2, 3].map(() => new ScheduleReconciler(repository, runs, saved, reach, access, clock, log))
})
afterAll(() => test.close())
beforeEach(async () => {
  announced = []
  people = new Map([
    ['spec', admin('spec')],
    ['me', admin('me')],
  ])
  clock.set('2026-03-01T12:00:00Z')
  await test.empty('host', 'run', 'schedule', 'saved_command')
  await addTestHost(test.database, { name: 'a', labels: { env: 'prod' }, at: clock.now() })
})

const command = { program: 'backup', args: ['--all'], env: { TOKEN: 'hush hush' } }
const add = (more: Partial<NewScheduleInput> = {}) =>
  schedules.add(
    newSchedule.parse({ name: 'nightly', cron: '30 2 * * *', command, target: { all: true }, ...more }),
    spec,
  )
const show = () => schedules.show('nightly', null)
const outcomes = ({ last }: ScheduleView): [string, FiringOutcome][] =>
  last.map(({ plannedAt, outcome }) => [plannedAt.slice(0, 16), outcome])
/** All servers look at the same moment. */
const tick = (awake = servers) => Promise.all(awake.map((server) => runOnce(server, clock.now())))
const tickAt = (moment: string) => {
  clock.set(moment)
  return tick()
}
const endAll = async () => {
  for (const id of announced.splice(0)) {
    await leases.acquire(id, 'server', clock.now())
    await lifecycle.end(id, 'server', { state: 'success', exitCode: 0 }, clock.now())
  }
}

describe('a schedule', () => {
  it('a firing shows whether its run goes on, succeeded everywhere, or failed somewhere', async () => {
    const runState = async () => (await show()).last[0]?.runState
    await add({ timeZone: 'UTC' })
    expect((await show()).last).toEqual([])
    await tickAt('2026-03-02T02:30:00Z')
    expect(await runState()).toBe('running')
    await endAll()
    expect(await runState()).toBe('success')
    await tickAt('2026-03-03T02:30:00Z')
    const [failing, ...others] = announced.splice(0)
    await leases.acquire(failing ?? '', 'server', clock.now())
    await lifecycle.end(failing ?? '', 'server', { state: 'failed', exitCode: 1 }, clock.now())
    announced.push(...others)
    await endAll()
    expect(await runState()).toBe('failed')
    expect((await show()).last.map((firing) => firing.runState)).toEqual(['failed', 'success'])
  })

  it('a schedule runs once at its time on several servers, with its requester and origin', async () => {
    await add({ timeZone: 'Europe/Berlin', limits: { concurrency: 1 } })
    await tickAt('2026-03-02T01:29:59Z')
    expect(announced).toEqual([])
    await tickAt('2026-03-02T01:30:00Z')
    await tickAt('2026-03-02T01:30:01Z')
    expect(announced).toHaveLength(1)
    const [run, ...others] = await runs.list(null, 10, undefined)
    expect(others).toEqual([])
    expect(run).toMatchObject({
      requestedBy: 'schedule/nightly',
      schedule: 'nightly',
      program: 'backup',
      args: ['--all'],
      limits: { concurrency: 1 },
      target: { by: 'all' },
    })
    const shown = await show()
    expect(shown.last).toMatchObject([
      { outcome: 'started', runId: run?.id, plannedAt: '2026-03-02T01:30:00.000Z' },
    ])
    expect(shown.next).toHaveLength(5)
    expect(shown.next[0]).toBe('2026-03-03T01:30:00.000Z')
    expect((await rows.find(announced[0] ?? ''))?.env).toEqual({ TOKEN: 'hush hush' })
  })

  it('a daily schedule at 02:30 in Berlin fires once on every day of a year, over both changes of the clock', async () => {
    await add({ timeZone: 'Europe/Berlin', overlap: 'allow' })
    const began: string[] = []
    for (let day = 0; day < 365; day++) {
      const due = (await show()).next[0] ?? ''
      const [one] = servers.slice(day % servers.length)
      // Several servers at once on the days of the changes and on some others: on each, the year would take minutes.
      const isShared = day % 30 === 0 || CLOCK_CHANGES.some((date) => due.startsWith(date))
      const awake = isShared ? servers : servers.filter((server) => server === one)
      clock.set(new Date(Date.parse(due) - 1))
      await tick(awake)
      expect(announced).toEqual([])
      clock.set(due)
      await tick(awake)
      expect(announced.splice(0)).toHaveLength(1)
      began.push(due)
    }
    const local = (text: string) =>
      new Date(text).toLocaleString('sv-SE', {
        timeZone: 'Europe/Berlin',
        dateStyle: 'short',
        timeStyle: 'short',
      })
    expect(new Set(began.map((text) => local(text).slice(0, 10))).size).toBe(365)
    expect(began.filter((text) => !local(text).endsWith(' 02:30')).map(local)).toEqual(['2026-03-29 03:00'])
    expect(began.filter((text) => text.startsWith('2026-10-25'))).toEqual(['2026-10-25T00:30:00.000Z'])
  })

  it('a schedule makes up for one missed time within its grace, and records what it left out beyond', async () => {
    await add({ graceMs: 3_600_000 })
    await tickAt('2026-03-02T03:30:00Z')
    await endAll()
    expect(outcomes(await show())).toEqual([['2026-03-02T02:30', 'started']])
    await tickAt('2026-03-05T03:30:01Z')
    expect(announced).toEqual([])
    const shown = await show()
    expect(outcomes(shown)[0]).toEqual(['2026-03-03T02:30', 'missed'])
    expect(shown.last[0]?.reason).toContain('left out')
    expect(shown.next[0]).toBe('2026-03-06T02:30:00.000Z')
  })

  it('a schedule skips a time while its previous run has not ended, and runs at the next', async () => {
    await add({ cron: '0 * * * *' })
    await tickAt('2026-03-01T13:00:00Z')
    await tickAt('2026-03-01T14:00:00Z')
    expect(announced).toHaveLength(1)
    await endAll()
    await tickAt('2026-03-01T15:00:00Z')
    expect(announced).toHaveLength(1)
    expect(outcomes(await show()).map(([, outcome]) => outcome)).toEqual(['started', 'overlapped', 'started'])
  })

  it('a schedule that finds no host records that and tries again the next time', async () => {
    await add({ target: { labels: ['env=test'] } })
    await tickAt('2026-03-02T02:30:00Z')
    const shown = await show()
    expect(shown.last).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('host.none_selected') },
    ])
    await addTestHost(test.database, { name: 'b', labels: { env: 'test' }, at: clock.now() })
    await tickAt('2026-03-03T02:30:00Z')
    expect(outcomes(await show())[0]).toEqual(['2026-03-03T02:30', 'started'])
  })

  it('a paused schedule does nothing, and makes up for nothing when it is resumed', async () => {
    await add()
    expect((await schedules.change('nightly', { isEnabled: false }, spec)).next).toEqual([])
    await tickAt('2026-03-02T02:30:00Z')
    clock.advance(1000)
    const resumed = await schedules.change('nightly', { isEnabled: true }, spec)
    expect(resumed.next[0]).toBe('2026-03-03T02:30:00.000Z')
    await tick()
    expect(announced).toEqual([])
    expect(resumed.last).toEqual([])
  })

  it('a schedule that was changed a moment before its time does not fire as it was before', async () => {
    await add()
    clock.set('2026-03-02T02:29:59Z')
    await schedules.change('nightly', { cron: '45 2 * * *' }, spec)
    await tickAt('2026-03-02T02:30:00Z')
    expect(announced).toEqual([])
    await tickAt('2026-03-02T02:45:00Z')
    expect(announced).toHaveLength(1)
  })

  it('a schedule that is paused while a server is about to fire it stores nothing of the firing', async () => {
    await add()
    clock.set('2026-03-02T02:30:00Z')
    const read = await repository.find({ name: 'nightly' })
    if (!read) throw new Error('it is gone')
    const run = await runs.prepare({
      runId: randomUUID(),
      bodyHash: '',
      requestedBy: 'schedule/nightly',
      requester: null,
      scope: null,
      target: { all: true },
      spec: toSpec({ ...command, cwd: '/', timeoutMs: 1000, startWithinMs: 1000 }),
      limits: null,
    })
    clock.advance(1)
    await schedules.change('nightly', { isEnabled: false }, spec)
    const firing = {
      plannedAt: clock.now(),
      decidedAt: clock.now(),
      outcome: 'started',
      reason: null,
    } as const
    const stored = repository.decided(read, { ...firing, runId: run.id }, clock.now(), run)
    await expect(stored).rejects.toBeInstanceOf(ConcurrentUpdateError)
    expect(await show()).toMatchObject({ isEnabled: false, next: [], last: [] })
    expect(await runs.list(null, 10, undefined)).toEqual([])
  })

  it('the history of a schedule is bounded', async () => {
    const { id } = await add({ cron: '* * * * *', overlap: 'allow', graceMs: 10_000 })
    const noon = new Date('2026-03-01T12:00:00Z')
    await test.database.pool.query(
      `INSERT INTO schedule_firing (schedule_id, planned_at, decided_at, outcome)
       SELECT $1::uuid, planned, planned, 'missed'
       FROM generate_series($2::timestamptz - interval '195 min', $2::timestamptz, interval '1 min') AS planned`,
      [id, noon],
    )
    for (let minute = 1; minute <= 15; minute++) {
      clock.set(new Date(noon.getTime() + minute * 60_000))
      await runOnce(servers[0] as ScheduleReconciler, clock.now())
    }
    const { rows } = await test.database.pool.query('SELECT count(*)::int AS count FROM schedule_firing')
    expect(rows[0].count).toBe(200)
    expect((await show()).last).toHaveLength(10)
  })

  it('a schedule that cannot be is refused with the field that is wrong', async () => {
    await expect(add({ cron: '61 * * * *' })).rejects.toMatchObject({ fields: [{ field: 'cron' }] })
    await expect(add({ cron: '0 0 30 2 *' })).rejects.toMatchObject({
      fields: [
        {
          field: 'cron',
          message: expect.stringContaining(
            '"0 0 30 2 *" is no cron expression that can be used: it never comes',
          ),
        },
      ],
    })
    await expect(add({ command: undefined, savedCommand: 'none' })).rejects.toMatchObject({
      code: 'saved_command.not_found',
    })
    await add()
    await expect(add()).rejects.toMatchObject({ code: 'schedule.name_taken' })
    const issues = (body: object) =>
      newSchedule.safeParse({ name: 'x', cron: '* * * * *', command, target: { all: true }, ...body }).error
        ?.issues[0]
    expect(issues({ timeZone: 'Mars/Olympus' })?.message).toContain('not "Mars/Olympus"')
    expect(issues({ timeZone: '+02:00' })?.path).toEqual(['timeZone'])
    expect(issues({ target: undefined })?.path).toEqual(['target'])
    expect(issues({ savedCommand: 'x' })?.path).toEqual(['command'])
  })
})

describe('what a schedule and a saved command may do', () => {
  const limitedTo = (id: string, selectors: string[]) => people.set(id, limited(id, selectors))
  const hostsOf = async () => {
    const ran = await Promise.all(announced.map((id) => rows.find(id)))
    return ran.map((command) => command?.hostName).sort()
  }
  beforeEach(() => addTestHost(test.database, { name: 'b', labels: { env: 'test' }, at: clock.now() }))

  it.each([
    ['all hosts', { all: true }],
    ['labels', { labels: ['env in (prod,test)'] }],
    ['named hosts', { hosts: ['a', 'b'] }],
  ] as const)(
    'a schedule for %s is narrowed to what its owner may do now, and its history shows it',
    async (_what, target) => {
      await add({ target: { ...target } as never })
      limitedTo('spec', ['env=prod'])
      await tickAt('2026-03-02T02:30:00Z')
      expect(await hostsOf()).toEqual(['a'])
      const [firing] = (await show()).last
      expect(firing).toMatchObject({
        outcome: 'started',
        reason: expect.stringContaining('1 of the hosts that it is for were left out, b among them: spec'),
      })
      expect((await runs.show(firing?.runId ?? '', null)).skipped).toEqual([
        { host: 'b', reason: expect.stringContaining('spec') },
      ])
    },
  )

  it.each([
    ['was removed', () => people.delete('spec')],
    ['may run nothing any more', () => people.set('spec', { ...admin('spec'), permissions: new Set() })],
    ['may act on none of its hosts', () => limitedTo('spec', ['env=none'])],
  ])('a schedule runs nothing once its owner %s, until another person takes it over', async (_what, lose) => {
    await add()
    lose()
    await tickAt('2026-03-02T02:30:00Z')
    expect(announced).toEqual([])
    expect((await show()).last).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('access.owner_lost') },
    ])
    await schedules.change('nightly', { isEnabled: true }, admin('me'))
    await tickAt('2026-03-03T02:30:00Z')
    expect(announced).toEqual([])
    clock.advance(1)
    await schedules.change('nightly', { graceMs: 20_000 }, admin('me'))
    await tickAt('2026-03-04T02:30:00Z')
    expect(await hostsOf()).toEqual(['a', 'b'])
  })

  it('a schedule of one that runs a saved command of another does what both owners may do', async () => {
    const request = newSavedCommand.parse({ name: 'backup', program: 'backup', target: { all: true } })
    await saved.add(request, admin('me'))
    await add({ command: undefined, savedCommand: 'backup', target: undefined })
    limitedTo('me', ['env=test'])
    await tickAt('2026-03-02T02:30:00Z')
    expect(await hostsOf()).toEqual(['b'])
    const [firing] = (await show()).last
    expect(firing?.reason).toContain('me, whose it is')
    people.delete('me')
    await endAll()
    await tickAt('2026-03-03T02:30:00Z')
    expect((await show()).last[0]).toMatchObject({ outcome: 'refused' })
    await expect(saved.run('backup', {}, admin('spec'))).rejects.toMatchObject({ code: 'access.owner_lost' })
  })

  it('a saved command that another person runs does no more than its owner may, and the run shows what is left out', async () => {
    const request = newSavedCommand.parse({ name: 'backup', program: 'backup', target: { all: true } })
    await saved.add(request, spec)
    limitedTo('spec', ['env=prod'])
    const ran = await saved.run('backup', {}, admin('me'))
    expect(ran.commands.map(({ hostName }) => hostName)).toEqual(['a'])
    expect(ran.skipped).toEqual([{ host: 'b', reason: expect.stringContaining('spec') }])
  })

  it('secret values of a saved command are sent elsewhere neither by a change, nor a run, nor a schedule', async () => {
    const sealed = { code: 'saved_command.sealed' }
    const request = newSavedCommand.parse({ name: 'backup', ...command, target: { labels: ['env=prod'] } })
    await saved.add(request, spec)
    await expect(saved.change('backup', { target: { all: true } }, spec)).rejects.toMatchObject(sealed)
    await expect(saved.change('backup', { program: 'env' }, spec)).rejects.toMatchObject(sealed)
    await expect(saved.run('backup', { target: { hosts: ['b'] } }, spec)).rejects.toMatchObject(sealed)
    await expect(saved.run('backup', { target: { all: true } }, spec)).rejects.toMatchObject(sealed)
    expect((await saved.run('backup', { target: { hosts: ['a'] } }, spec)).commands).toHaveLength(1)
    const elsewhere = { command: undefined, savedCommand: 'backup', target: { all: true } } as const
    await expect(add(elsewhere)).rejects.toMatchObject(sealed)
    await add({ target: { hosts: ['a'] } })
    await expect(schedules.change('nightly', { target: { all: true } }, spec)).rejects.toMatchObject(sealed)
    clock.advance(1)
    await schedules.change(
      'nightly',
      { target: { all: true }, command: { ...command, env: {} } as never },
      spec,
    )
  })

  it('a schedule needs the permission to run commands as well as the one to plan', async () => {
    const planner = { ...admin('planner'), permissions: new Set(['schedules:write'] as const) }
    const request = newSchedule.parse({ name: 'nightly', cron: '* * * * *', command, target: { all: true } })
    await expect(schedules.add(request, planner)).rejects.toMatchObject({ code: 'request.forbidden' })
    await add()
    const change = { target: { hosts: ['b'] } }
    await expect(schedules.change('nightly', change, planner)).rejects.toMatchObject({
      code: 'request.forbidden',
    })
  })

  it('a firing starts its run under an unpredictable id, so that a guessed one cannot block it', async () => {
    const { id, next } = await add()
    const reckoned = createHash('sha256').update(`${id}/${next[0]}`).digest().subarray(0, 16)
    reckoned[6] = ((reckoned[6] ?? 0) & 0x0f) | 0x80
    reckoned[8] = ((reckoned[8] ?? 0) & 0x3f) | 0x80
    const runId = reckoned.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    await runs.run(newRun.parse({ runId, program: 'true', hosts: ['b'] }), admin('me'))
    announced = []
    await tickAt(next[0] ?? '')
    expect(await hostsOf()).toEqual(['a', 'b'])
    expect((await show()).last[0]?.runId).not.toBe(runId)
  })
})

describe('a saved command', () => {
  const save = (more: object = {}) =>
    saved.add(
      newSavedCommand.parse({ name: 'backup', ...command, target: { labels: ['env=prod'] }, ...more }),
      spec,
    )

  it('a saved command is run as it is now, at its target or elsewhere, and a repeated request finds the first run', async () => {
    await save()
    const request = { runId: randomUUID() }
    const first = await saved.run('backup', request, admin('me'))
    expect(first.commands).toMatchObject([
      { hostName: 'a', program: 'backup', env: command.env, requestedBy: 'me' },
    ])
    await saved.change('backup', { program: 'other', env: {}, limits: { batch: 1 } }, spec)
    expect((await saved.run('backup', request, admin('me'))).commands).toMatchObject([{ program: 'backup' }])
    const next = await saved.run('backup', { target: { hosts: ['a'] } }, admin('me'))
    expect(next.commands).toMatchObject([{ program: 'other', env: {}, position: 0 }])
    expect(await runs.show(next.runId, null)).toMatchObject({ savedCommand: 'backup', limits: { batch: 1 } })
  })

  it('a saved command is run by a schedule as it is at that time, and cannot be removed meanwhile', async () => {
    await save()
    await add({ command: undefined, savedCommand: 'backup', target: undefined })
    await expect(saved.remove('backup')).rejects.toMatchObject({
      code: 'saved_command.in_use',
      message: expect.stringContaining('nightly'),
    })
    clock.advance(1000)
    await saved.change('backup', { args: ['--new'], env: command.env }, spec)
    await tickAt('2026-03-02T02:30:00Z')
    expect(await rows.find(announced[0] ?? '')).toMatchObject({ program: 'backup', args: ['--new'] })
    await schedules.remove('nightly')
    await saved.remove('backup')
    expect(await saved.list(null)).toEqual([])
    expect(await runs.list(null, 10, undefined)).toMatchObject([
      { savedCommand: 'backup', schedule: 'nightly' },
    ])
  })

  it('a saved command without a target is refused unless the request has one', async () => {
    await save({ target: undefined })
    await expect(saved.run('backup', {}, admin('me'))).rejects.toMatchObject({
      fields: [{ field: 'target' }],
    })
    await expect(
      add({ command: undefined, savedCommand: 'backup', target: undefined }),
    ).rejects.toMatchObject({
      fields: [{ field: 'target' }],
    })
  })

  it('the secrets of saved commands and schedules appear in no table and no answer', async () => {
    await save()
    await add()
    const { rows } = await test.database.pool.query(
      'SELECT saved_command::text || schedule::text AS text FROM saved_command, schedule',
    )
    for (const text of [rows[0].text, JSON.stringify(await show())]) {
      expect(text).not.toContain('hush')
      expect(text).not.toContain(Buffer.from('hush hush').toString('hex'))
    }
    expect((await show()).command?.envNames).toEqual(['TOKEN'])
  })
})
