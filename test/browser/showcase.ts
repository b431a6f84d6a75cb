import type { CommandView, NewHostInput } from '@rollcall/contracts/admin'
import type { CallInput } from '@rollcall/contracts/client'
import { Bed, type Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { Api } from '../fleet/api.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { Releases } from '../fleet/releases.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { ServerData } from '../load/seed.ts'
import { runServices } from './show-services.ts'
import { acceptInvite } from './sign-in.ts'

/** The hosts in the pictures. The last one loses its power. */
const HOSTS = [
  { name: 'web-01', flavour: 'podman', labels: { env: 'prod', role: 'web', zone: 'a' } },
  { name: 'web-02', flavour: 'podman', labels: { env: 'prod', role: 'web', zone: 'b' } },
  { name: 'db-01', flavour: 'bullseye', labels: { env: 'prod', role: 'db', zone: 'a' } },
  { name: 'build-01', flavour: 'trixie', labels: { env: 'dev', role: 'build' } },
  { name: 'edge-07', flavour: 'bookworm', labels: { env: 'prod', role: 'edge', zone: 'c' } },
] as const

const NEXT_RELEASE = '0.2.0'
const INSTALL_TIMEOUT_MS = 300_000
const WEEK_S = 7 * 86_400
const STEPS_S = [300, 3600] as const
const SLOTS = { 300: 288, 3600: 168 }

export interface Ids {
  run: string
  command: string
  install: string
  playbookRun: string
  transfer: string
  upgrade: string
  plan: string
}

/** A real server with real hosts that look lived in: people, keys, runs, schedules, and a week of measurements. */
export class Showcase implements AsyncDisposable {
  /** Ids of a run on several hosts, a command with coloured output, an installation, a playbook run, files that were sent, an upgrade, and the plan of the services. */
  readonly ids: Ids
  readonly server: ServerProcess
  readonly #opened: AsyncDisposableStack

  private constructor(server: ServerProcess, ids: Ids, opened: AsyncDisposableStack) {
    this.server = server
    this.ids = ids
    this.#opened = opened
  }

  static async open(log: (line: string) => void): Promise<Showcase> {
    const opened = new AsyncDisposableStack()
    try {
      const bed = opened.use(await Bed.open({ name: 'showcase', log }))
      const hosts = await bed.boot(HOSTS.map(({ name, flavour }) => ({ name, flavour })))
      const releases = opened.use(await Releases.open())
      const server = opened.use(await ServerProcess.start({ env: releases.env }))
      const api = await addPeople(await server.api())
      await addProfile(api)
      const credential = await keyCredential(bed)
      const installs: CommandView[] = []
      // Two at a time: the machine has the hosts' work to do as well.
      for (let from = 0; from < HOSTS.length; from += 2) {
        const some = HOSTS.slice(from, from + 2).map(({ name, labels }, i) =>
          install(api, { name, address: hosts[from + i]?.address ?? '', credential, labels }),
        )
        installs.push(...(await Promise.all(some)))
      }
      const plan = await runServices(server, api, hosts[0] as Host)
      await fillHistory(server)
      await hosts.at(-1)?.powerOff()
      await addSchedules(api)
      const ids = {
        plan,
        ...(await runThings(api)),
        install: installs[0]?.id ?? '',
        playbookRun: await runPlaybook(api),
        transfer: await sendFile(api),
        upgrade: await upgradeAgents(api, await releases.add(NEXT_RELEASE)),
      }
      await offline(api, 'edge-07')
      return new Showcase(server, ids, opened)
    } catch (error) {
      await opened.disposeAsync()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }
}

async function install(api: Api, host: NewHostInput): Promise<CommandView> {
  const { commandId } = await api.call('addHost', { body: host })
  const command = await api.ended(commandId, INSTALL_TIMEOUT_MS)
  if (command.state !== 'success') throw new Error(`${host.name} could not be installed: ${command.reason}`)
  return command
}

/** Hosts at the edge are called often, so that one of them is offline in seconds. */
const addProfile = (api: Api) =>
  api.call('addHeartbeatProfile', {
    body: {
      name: 'edge',
      minMs: 2000,
      maxMs: 4000,
      offlineAfterMs: 8000,
      labels: { role: 'edge' },
    },
  })

/** Whom the pictures are made as: signs in with `PASSWORD`. */
export const ADMIN = 'ada@example.com'

/** Adds users, and a key of the first. Returns the API as she uses it: what is done shows her name. */
async function addPeople(owner: Api): Promise<Api> {
  const { link } = await owner.call('addUser', {
    body: {
      name: 'Ada',
      email: ADMIN,
      role: 'admin',
    },
  })
  const { name, value } = await acceptInvite(owner, link)
  const api = new Api(owner.url, { cookie: `${name}=${value}`, origin: owner.url })
  const people: CallInput<'addUser'>['body'][] = [
    { name: 'Grace', email: 'grace@example.com', role: 'operator', scope: ['env=dev'] },
    { name: 'Linus', email: 'linus@example.com', role: 'viewer' },
  ]
  for (const person of people) await api.call('addUser', { body: person })
  await api.call('addKey', {
    body: {
      name: 'deploy-pipeline',
      permissions: ['hosts:read', 'commands:read', 'commands:run'],
      scope: ['role=web'],
    },
  })
  return api
}

async function addSchedules(api: Api): Promise<void> {
  await api.call('addSavedCommand', {
    body: {
      name: 'disk-report',
      program: 'df',
      args: ['-h', '/'],
      target: { labels: ['env=prod'] },
    },
  })
  await api.call('addSchedule', {
    body: {
      name: 'nightly-disk-report',
      cron: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      savedCommand: 'disk-report',
    },
  })
}

const BUILD = `
blue() { printf '\\033[1;34m==> %s\\033[0m\\n' "$1"; }
blue 'Building release 2026.11.4'
for m in core api web worker scheduler gateway mailer search billing reports; do
  printf '\\033[32mok\\033[0m    %-10s compiled, 214 tests passed\\n' $m
done
printf '\\033[33mwarn\\033[0m  search: 2 deprecated calls\\n' >&2
blue Done
`

async function runThings(api: Api): Promise<{ run: string; command: string }> {
  const live = ['web-01', 'web-02', 'db-01', 'build-01']
  const sh = (hosts: string[], script: string) => api.run({ hosts, program: 'sh', args: ['-c', script] })
  const release = await api.run({
    hosts: live,
    program: 'sh',
    args: ['-c', '. /etc/os-release; echo "$PRETTY_NAME"'],
  })
  const build = await sh(['build-01'], BUILD)
  const failed = await sh(
    ['web-01', 'web-02'],
    'test "$(hostname)" = web-01 || { echo "nginx: [emerg] port 80 is taken" >&2; exit 3; }',
  )
  for (const { id } of [...release, ...build, ...failed]) await api.ended(id)
  return { run: release[0]?.runId ?? '', command: build[0]?.id ?? '' }
}

const MOTD = 'This host is looked after by Rollcall. What is changed by hand may be changed back.\n'

async function runPlaybook(api: Api): Promise<string> {
  const variables = { check_service_name: 'ssh', check_service_ports: [22] }
  const { commands } = await api.call('runPlaybook', {
    params: { playbook: 'check_service' },
    body: { hosts: ['web-01', 'web-02', 'db-01'], variables },
  })
  for (const { id } of commands) await api.ended(id)
  return commands[0]?.runId ?? ''
}

async function sendFile(api: Api): Promise<string> {
  const sha256 = await api.addContent(Buffer.from(MOTD))
  const { transfer } = await api.call('startTransfer', {
    body: {
      labels: ['role=web'],
      destination: '/etc/motd',
      source: { kind: 'file', sha256 },
      mode: 0o644,
    },
  })
  await until(`transfer ${transfer.id} to end`, async () => {
    const shown = await api.call('showTransfer', { params: { id: transfer.id } })
    return shown.transfer.endedAt !== null
  })
  return transfer.id
}

/** The canary is upgraded, and the others wait for a person. */
async function upgradeAgents(api: Api, version: string): Promise<string> {
  const { upgrade } = await api.call('startUpgrade', {
    body: {
      hosts: ['web-01', 'web-02', 'db-01', 'build-01'],
      version,
      rings: { canary: 1, batch: 2, gateMs: 60_000 },
    },
  })
  await until('the canary to be upgraded', async () => {
    const { hosts } = await api.call('showUpgrade', { params: { id: upgrade.id } })
    return hosts.some(({ state }) => state === 'upgraded')
  })
  await api.call('pauseUpgrade', { params: { id: upgrade.id } })
  return upgrade.id
}

const until = (what: string, isTrue: () => Promise<boolean>) =>
  poll(isTrue, { timeoutMs: 120_000, everyMs: 500, what })

const offline = (api: Api, host: string) =>
  until(`${host}, which has no power, to be offline`, async () => (await api.host(host)).state === 'offline')

/** Writes the samples of a week: days and nights, and a host that is busier than the others. */
async function fillHistory(server: ServerProcess): Promise<void> {
  await using data = await ServerData.open(server)
  const hosts = await data.query<{ id: string }>('SELECT id FROM host ORDER BY name')
  const nowS = Math.floor(Date.now() / 1000)
  for (const [n, { id }] of hosts.entries())
    for (const stepS of STEPS_S) {
      const rows = Array.from({ length: Math.min(SLOTS[stepS], WEEK_S / stepS) - 1 }, (_, i) =>
        sampleAt(Math.floor(nowS / stepS) - 1 - i, stepS, n),
      )
      await data.query(
        `INSERT INTO host_sample (host_id, resolution_s, slot, bucket, count, cpu_sum, cpu_max, memory_sum, memory_max, load_sum, disk_max)
         SELECT $1, $2, r.slot, to_timestamp(r.at), 1, r.cpu, r.peak, r.memory, r.memory + 2, r.cpu / 50, 41
         FROM jsonb_to_recordset($3) AS r(slot int, at bigint, cpu real, peak real, memory real)
         ON CONFLICT DO NOTHING`,
        [id, stepS, JSON.stringify(rows)],
      )
    }
}

function sampleAt(step: number, stepS: number, host: number) {
  const at = step * stepS
  const day = Math.sin((2 * Math.PI * (at % 86_400)) / 86_400 - 2)
  const noise = Math.sin(at / 997 + host * 3) + Math.sin(at / 311 + host) * 0.6
  const cpu = 24 + host * 5 + 14 * day + 5 * noise
  return {
    slot: step % SLOTS[stepS as 300 | 3600],
    at,
    cpu: Math.max(2, cpu),
    peak: Math.min(97, Math.max(4, cpu + 12 + 6 * noise)),
    memory: 44 + host * 6 + 6 * day + noise,
  }
}
