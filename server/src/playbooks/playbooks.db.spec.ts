import { randomBytes } from 'node:crypto'
import { newPlaybookRun } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { admin } from '../access/testing/principals.ts'
import { CommandsRepository } from '../commands/index.ts'
import { HostsRepository } from '../hosts/index.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { RunsRepository, RunsService } from '../runs/index.ts'
import { Catalogue } from './catalogue.ts'
import { CollectionUses } from './collection-uses.ts'
import { CollectionsRepository } from './collections.repository.ts'
import { PlaybooksRepository } from './playbooks.repository.ts'
import { PlaybooksService } from './playbooks.service.ts'

const DIGEST = 'd'.repeat(64)
const totals = { ok: 1, changed: 0, failed: 0, skipped: 0, rescued: 0, unreachable: 0 }

let test: TestDatabase
let repository: PlaybooksRepository
let service: PlaybooksService
let announced: string[]

beforeAll(async () => {
  test = await TestDatabase.open()
  const sealer = new Sealer(randomBytes(32))
  const clock = new ManualClock('2026-01-01T00:00:00Z')
  const rows = new CommandsRepository(test.database, sealer)
  const runRows = new RunsRepository(test.database, rows, {} as never)
  const worker = { announce: (id: string) => void announced.push(id) }
  const runs = new RunsService(
    runRows,
    rows,
    {} as never,
    worker as never,
    new HostsRepository(test.database, sealer),
    clock,
  )
  repository = new PlaybooksRepository(test.database, sealer)
  service = new PlaybooksService(
    ...([
      new Catalogue(new CollectionsRepository(test.database, new CollectionUses())),
      repository,
      {},
      runs,
      {},
    ] as unknown as ConstructorParameters<typeof PlaybooksService>),
  )
})
afterAll(() => test.close())
beforeEach(async () => {
  announced = []
  await test.empty('host', 'run')
  for (const name of ['a', 'b']) await addTestHost(test.database, { name, at: new Date() })
})

const run = (request: object = {}) =>
  service.run(
    'check_service',
    newPlaybookRun.parse({ hosts: ['a', 'b'], variables: { check_service_name: 'ssh' }, ...request }),
    admin('spec'),
  )

/** As if the playbook had ended on every host. */
async function endAll(runId: string, digests: Record<string, string | null>) {
  for (const { commandId, host } of await repository.hosts(runId)) {
    const digest = digests[host] ?? null
    await repository.storeOutcome(commandId, { tasks: [], omitted: 0, totals, digest, isOutdated: false })
    await test.database.pool.query('UPDATE command SET state = $2, ended_at = now() WHERE id = $1', [
      commandId,
      digest === null ? 'failed' : 'success',
    ])
  }
}

describe('a run of a playbook', () => {
  it('a playbook with a wrong variable is refused before anything is stored', async () => {
    await expect(run({ variables: { check_service_port: 1 } })).rejects.toMatchObject({
      code: 'request.invalid',
      fields: [{ field: 'variables.check_service_port' }, { field: 'variables.check_service_name' }],
    })
    const { rows } = await test.database.pool.query('SELECT 1 FROM run')
    expect(rows).toEqual([])
  })

  it('sent again with the same id is the same run, and is begun once on each host', async () => {
    const { runId } = await run()
    const again = await run({ runId })
    expect(again.runId).toBe(runId)
    expect(again.commands).toHaveLength(2)
    expect(new Set(announced).size).toBe(2)
    await expect(run({ runId, diff: true })).rejects.toMatchObject({ code: 'command.id_conflict' })
  })

  it('a playbook keeps its variables sealed and shows their names only', async () => {
    const { runId } = await run({ variables: { check_service_name: 'hunter2' } })
    const { rows } = await test.database.pool.query('SELECT row_to_json(p)::text AS text FROM playbook_run p')
    expect(rows[0].text).not.toContain(Buffer.from('hunter2').toString('hex'))
    const shown = await service.show(runId, null)
    expect(shown).toMatchObject({ mode: 'run', variables: ['check_service_name'] })
    expect(JSON.stringify(shown)).not.toContain('hunter2')
  })

  it('a playbook keeps the tools of its first attempt', async () => {
    const [command] = (await run()).commands
    expect(await repository.storeTools(command?.id ?? '', 'one')).toBe('one')
    expect(await repository.storeTools(command?.id ?? '', 'two')).toBe('one')
  })

  it('a playbook has no transport until it may have started, and then keeps it', async () => {
    const { runId, commands } = await run({ via: 'auto' })
    const [first, second] = commands.map(({ id }) => id)
    const transports = async () => (await repository.hosts(runId)).map(({ way }) => way)
    expect(await transports()).toEqual([null, null])
    await repository.storeTools(first ?? '', 'one')
    await repository.storeTransport(second ?? '', 'ssh')
    expect((await transports()).toSorted()).toEqual(['agent', 'ssh'])
    expect(await repository.work(second ?? '', runId)).toMatchObject({
      requestedTransport: 'auto',
      transport: 'ssh',
    })
    expect(await service.show(runId, null)).toMatchObject({ via: 'auto' })
  })
})

describe('a plan', () => {
  it("a plan of users' own playbooks is applied with the version that it was made with", async () => {
    const rows = new CollectionsRepository(test.database, new CollectionUses())
    const store = async (digit: string) => {
      const version = digit.repeat(64)
      const playbook = { name: 'mysite/site', title: '', description: '', variables: [], version }
      const source = { kind: 'archive' as const, sha256: version }
      const about = { fileCount: 0, bytes: 0, addedBy: 'spec', addedAt: new Date() }
      await rows.store({ name: 'mysite', labels: null, version, source, playbooks: [playbook], ...about }, [])
      return version
    }
    const first = await store('1')
    const request = newPlaybookRun.parse({ hosts: ['a'], mode: 'plan' })
    const { runId: planId } = await service.run('mysite/site', request, admin('spec'))
    await endAll(planId, { a: DIGEST })
    await store('2')
    const { runId, commands } = await service.apply(planId, {}, admin('spec'))
    expect((await service.show(runId, null)).version).toBe(first)
    expect(await repository.work(commands[0]?.id ?? '', runId)).toMatchObject({
      playbook: 'mysite/site',
      version: first,
    })
  })

  it('a plan is applied where it succeeded, with the digest of each host', async () => {
    const { runId: planId } = await run({ mode: 'plan', via: 'ssh' })
    await expect(service.apply(planId, {}, admin('spec'))).rejects.toMatchObject({
      code: 'playbook.not_a_plan',
    })
    await endAll(planId, { a: DIGEST })
    const { runId, commands } = await service.apply(planId, {}, admin('spec'))
    expect(commands.map(({ hostName }) => hostName)).toEqual(['a'])
    const work = await repository.work(commands[0]?.id ?? '', runId)
    expect(work).toMatchObject({ mode: 'apply', requestedTransport: 'ssh', planId, expectedDigest: DIGEST })
    expect(work?.variables).toEqual({ check_service_name: 'ssh' })
  })

  it('a run that is no plan cannot be applied', async () => {
    const { runId } = await run()
    await endAll(runId, { a: DIGEST, b: DIGEST })
    await expect(service.apply(runId, {}, admin('spec'))).rejects.toMatchObject({
      code: 'playbook.not_a_plan',
    })
  })
})
