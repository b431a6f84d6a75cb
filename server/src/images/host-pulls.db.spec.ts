import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentsService } from '../agents/index.ts'
import { readWhole } from '../blobs/index.ts'
import type { AgentFiles } from '../files/index.ts'
import { ServerLeaseRepository } from '../platform/leases/server-lease.repository.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import type { ToolsService } from '../tools/index.ts'
import type { Registry } from './domain/registry.ts'
import { HostPrograms } from './host-programs.ts'
import { HostPulls, MAX_PULLS_PER_REGISTRY } from './host-pulls.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesRepository } from './images.repository.ts'
import type { RegistriesRepository } from './registries.repository.ts'
import { RegistrySlotsRepository } from './registry-slots.repository.ts'

const PASSWORD = 'canary-4711'
const digest = `sha256:${'c'.repeat(64)}`
const IMAGE = { ref: 'registry.lan/shop/web:1', digest }
const HOSTS = 10

let test: TestDatabase
let slots: RegistrySlotsRepository
let hostIds: string[]
let settings: Registry[]
let fleet: FakeFleet

/** Hosts whose agents run the two steps at once; a pull lasts until it is let go. */
class FakeFleet {
  readonly argv: string[][] = []
  readonly uploads: { path: string; mode: number | undefined; text: string }[] = []
  readonly running = new Set<string>()
  most = 0
  missing = true
  answer = JSON.stringify({ pulled: true, from: 'registry.lan' })
  /** Holds every pull back until it is resolved. */
  hold: Promise<void> = Promise.resolve()
  private readonly programs = new Map<string, string>()

  readonly agents = {
    call: async (_hostId: string, method: string, params: { command_id: string; args: string[] }) => {
      if (method === 'execute_command') {
        this.argv.push(params.args)
        this.programs.set(params.command_id, params.args[3] ?? '')
      }
      if (method !== 'get_command_log') return {}
      const step = this.programs.get(params.command_id)
      const text = step === 'pull-image' ? await this.pull(params.command_id) : this.findMissing()
      const log_data = Buffer.from(`${text}\n`).toString('base64')
      const result = { return_code: text.includes('error') ? 1 : 0 }
      return { log_type: 'stdout', log_data, further: [], new_offset: 1, is_final: true, result }
    },
  } as unknown as AgentsService

  readonly files = {
    upload: async (
      _hostId: string,
      upload: { destination: string; mode?: number; source: { blob: never } },
    ) => {
      const text = (await readWhole(upload.source.blob)).toString()
      this.uploads.push({ path: upload.destination, mode: upload.mode, text })
    },
  } as unknown as AgentFiles

  private findMissing = () => JSON.stringify({ missing: this.missing ? [digest] : [] })

  private async pull(id: string): Promise<string> {
    this.running.add(id)
    this.most = Math.max(this.most, this.running.size)
    await this.hold
    this.running.delete(id)
    return this.answer
  }
}

beforeAll(async () => {
  test = await TestDatabase.open()
  slots = new RegistrySlotsRepository(test.database)
  hostIds = []
  for (let number = 1; number <= HOSTS; number++) {
    const name = `host-${number}-${randomUUID()}`
    await addTestHost(test.database, { name, labels: {}, at: new Date() })
    hostIds.push((await test.database.prisma.host.findUniqueOrThrow({ where: { name } })).id)
  }
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.empty('registry_slot', 'server_lease', 'image_host')
  for (const server of ['a', 'b']) await new ServerLeaseRepository(test.database).renew(server)
  fleet = new FakeFleet()
  settings = []
})

const registry = (host: string, more: Partial<Registry> = {}): Registry => ({
  host,
  username: 'ada',
  password: PASSWORD,
  mirrors: [],
  plainHttp: false,
  ca: null,
  addedBy: 'ada',
  addedAt: new Date(0),
  ...more,
})

/** A clock whose pauses are turns of the event loop. */
class TurningClock extends ManualClock {
  override async sleep(ms: number) {
    this.advance(ms)
    await turn()
  }
}
const clock = new TurningClock('2026-03-01T10:00:00Z')
const tools = { ensure: async () => ({ path: '/tools' }) } as unknown as ToolsService
const pullsOf = (server: string) =>
  new HostPulls(
    { list: async () => settings } as unknown as RegistriesRepository,
    slots,
    new ImagesRepository(test.database, new ImageUses()),
    new HostPrograms(fleet.agents, tools, clock),
    fleet.files,
    clock,
    server,
  )
const held = async () =>
  Number((await test.database.pool.query('SELECT count(*) FROM registry_slot')).rows[0].count)

async function ensure(server = 'a', hostId = hostIds[0] ?? '', signal = new AbortController().signal) {
  const lines: string[] = []
  await pullsOf(server).ensure(hostId, [IMAGE], signal, async (line) => void lines.push(line))
  return lines
}

describe('images that hosts pull themselves', () => {
  it('a host gets the request with its password as a file for root alone, and no argument has any of it', async () => {
    settings = [
      registry('registry.lan', { mirrors: ['mirror.lan/hub'] }),
      registry('mirror.lan', { plainHttp: true }),
    ]
    expect(await ensure()).toEqual(['registry.lan/shop/web:1: pulled from registry.lan.'])
    const [upload] = fleet.uploads
    expect(upload?.mode).toBe(0o600)
    expect(JSON.parse(upload?.text ?? '')).toEqual({
      ref: IMAGE.ref,
      digest,
      places: [
        {
          registry: 'mirror.lan',
          path: 'hub/shop/web',
          is_plain_http: true,
          ca: null,
          credentials: { username: 'ada', password: PASSWORD },
        },
        {
          registry: 'registry.lan',
          path: 'shop/web',
          is_plain_http: false,
          ca: null,
          credentials: { username: 'ada', password: PASSWORD },
        },
      ],
    })
    expect(fleet.argv.map((words) => words.slice(2, 4))).toEqual([
      ['service', 'missing-images'],
      ['service', 'pull-image'],
    ])
    expect(JSON.stringify(fleet.argv)).not.toContain(PASSWORD)
    expect(await held()).toBe(0)
    expect(await new ImagesRepository(test.database, new ImageUses()).onHosts()).toEqual([
      { digest, hostId: hostIds[0] },
    ])
  })

  it('a host that has the image is given no password and waits for nobody', async () => {
    fleet.missing = false
    for (let number = 0; number < MAX_PULLS_PER_REGISTRY; number++)
      await slots.acquire(['registry.lan'], MAX_PULLS_PER_REGISTRY, { holder: randomUUID(), serverId: 'b' })
    expect(await ensure()).toEqual(['registry.lan/shop/web:1 is there already.'])
    expect(fleet.uploads).toEqual([])
  })

  it('at most four hosts of two servers pull from a registry at once, and every one gets its turn', async () => {
    const { promise, resolve: release } = Promise.withResolvers<void>()
    fleet.hold = promise
    const pulling = hostIds.map((hostId, index) => ensure(index % 2 === 0 ? 'a' : 'b', hostId))
    await expect.poll(() => fleet.running.size).toBe(MAX_PULLS_PER_REGISTRY)
    expect(await held()).toBe(MAX_PULLS_PER_REGISTRY)
    release()
    const lines = await Promise.all(pulling)
    expect(fleet.most).toBe(MAX_PULLS_PER_REGISTRY)
    expect(lines.flat().filter((line) => line.includes('pulled from'))).toHaveLength(HOSTS)
    expect(lines.flat().filter((line) => line.includes('already; waiting'))).not.toEqual([])
    expect(await held()).toBe(0)
  })

  it('another registry has turns of its own', async () => {
    for (let number = 0; number < MAX_PULLS_PER_REGISTRY; number++)
      await slots.acquire(['other.lan'], MAX_PULLS_PER_REGISTRY, { holder: randomUUID(), serverId: 'b' })
    expect(await ensure()).toEqual(['registry.lan/shop/web:1: pulled from registry.lan.'])
  })

  it('the turns of a server that died are free, and so are those that a server had before it was started again', async () => {
    const fill = async (serverId: string) => {
      for (let number = 0; number < MAX_PULLS_PER_REGISTRY; number++)
        expect(
          await slots.acquire(['registry.lan'], MAX_PULLS_PER_REGISTRY, { holder: randomUUID(), serverId }),
        ).toBe(true)
    }
    await fill('b')
    await new ServerLeaseRepository(test.database).release('b')
    expect(await ensure()).toHaveLength(1)
    await fill('a')
    await pullsOf('a').onModuleInit()
    expect(await ensure()).toHaveLength(1)
  })

  it('a pull that fails says what the host says, and gives its turn back', async () => {
    const message =
      'registry.lan/shop/web:1 was not pulled. This host does not reach registry.lan (no route to host)'
    fleet.answer = JSON.stringify({ error: { code: 'instance.image_missing', message } })
    await expect(ensure()).rejects.toMatchObject({ code: 'instance.image_missing', message })
    fleet.answer = 'x'.repeat(10_000)
    await expect(ensure()).rejects.toMatchObject({ code: 'instance.image_missing' })
    expect(await held()).toBe(0)
  })

  it('a step that is stopped while it waits for its turn leaves nothing behind', async () => {
    for (let number = 0; number < MAX_PULLS_PER_REGISTRY; number++)
      await slots.acquire(['registry.lan'], MAX_PULLS_PER_REGISTRY, { holder: randomUUID(), serverId: 'b' })
    const stop = new AbortController()
    const waiting = ensure('a', hostIds[0], stop.signal)
    stop.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    expect(await held()).toBe(MAX_PULLS_PER_REGISTRY)
    expect(fleet.uploads).toEqual([])
  })
})
