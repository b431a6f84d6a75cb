import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeImageArchive } from '../bed/image-archive.ts'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { BenchFleet } from './bench-fleet.ts'
import { installPeer } from './debian-packages.ts'
import { PlaybookPeer } from './playbook-peer.ts'

const PLAYBOOK = fileURLToPath(new URL('../../playbooks/deploy_container.yml', import.meta.url))
const IMAGE = 'registry.lan/bench/page:1'
const ARCHIVE = '/var/tmp/page.tar'
const PORT = 8080
const LONG_ROUNDS = 3
const SHORT_ROUNDS = 1
const HEALTHY_MS = 300_000
const MAX_REASON_LENGTH = 200
/** As the page of services looks. */
const LOOK_MS = 200
/** Answers each connection with a page. In one line: the playbook puts it into a unit. */
const PAGE = [
  'use IO::Socket::INET; $SIG{TERM} = sub { exit 0 };',
  `my $server = IO::Socket::INET->new(LocalPort => ${PORT}, Listen => 9, ReuseAddr => 1) or die $!;`,
  'while (my $client = $server->accept) { my $asked = <$client>;',
  'print $client "HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nup"; close $client }',
].join(' ')
const COMMAND = ['perl', '-e', PAGE]

/** Seconds until one container answers on every host, in each round. */
export interface ApplyTimes {
  ours: number[]
  theirs: number[]
  /** Why the peer could not be measured; null if it was. */
  absent: string | null
}

/** Starts one instance on each host, by the server and by `ansible-playbook`, in turns. The first of each is not counted: it brings the image. */
export async function measureApply(
  fleet: BenchFleet,
  hosts: readonly Host[],
  log: (line: string) => void,
  isShort: boolean,
): Promise<ApplyTimes> {
  const absent = await installPeer('/usr/bin/ansible-playbook', 'ansible-core', log)
  await addImage(fleet, hosts)
  await untilPlaced(fleet, hosts.length)
  await using peer = await PlaybookPeer.open(fleet.bed, hosts)
  const times: ApplyTimes = { ours: [], theirs: [], absent: absent ?? null }
  for (let round = 0; round <= (isShort ? SHORT_ROUNDS : LONG_ROUNDS); round++) {
    const ours = await runOurs(fleet, hosts)
    const theirs = times.absent === null ? await runTheirs(peer, hosts).catch(toError) : null
    // Ours are measured all the same.
    if (theirs instanceof Error) times.absent = theirs.message.slice(-MAX_REASON_LENGTH)
    const said = typeof theirs === 'number' ? `${theirs.toFixed(1)} s` : times.absent
    log(`ours: ${ours.toFixed(1)} s; ansible-playbook: ${said}${round === 0 ? ' (not counted)' : ''}`)
    if (round === 0) continue
    times.ours.push(ours)
    if (typeof theirs === 'number') times.theirs.push(theirs)
  }
  return times
}

const toError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

/** Brings the image to the server, and to each host's podman under the name that the peer asks for. */
async function addImage({ server }: BenchFleet, hosts: readonly Host[]): Promise<void> {
  const [first] = hosts
  if (!first) throw new Error('there is no host to make an image of')
  const programs = ['/bin/sh', '/usr/bin/perl']
  const archive = await makeImageArchive(first, { name: IMAGE, programs, command: ['/bin/sh'] })
  const added = await server.cli('image', 'add', archive)
  if (added.code !== 0) throw new Error(`the image was not added: ${added.stderr}`)
  for (const host of hosts) {
    await copyFile(archive, join(host.root, ARCHIVE))
    await host.output(['podman', 'load', '--quiet', '--input', ARCHIVE], { timeoutMs: 120_000 })
    await host.output(['rm', ARCHIVE])
  }
}

const toFile = (replicas: number) => `name: bench
services:
  page:
    image: ${IMAGE}
    command: ${JSON.stringify(COMMAND.map((word) => word.replaceAll('$', () => '$$')))}
    ports: ["${PORT}"]
    deploy: {replicas: ${replicas}}
    x-rollcall: {place: {max_per_host: 1}, checks: [{http: "/", port: ${PORT}, interval: 1s}]}
`

async function plan({ api }: BenchFleet, replicas: number) {
  const made = await api.call('planServices', { body: { text: toFile(replicas) } })
  if (!made.plan) throw new Error(JSON.stringify(made.faults))
  const placements = made.plan.services.flatMap((service) => service.placements)
  return { id: made.plan.id, unplaced: placements.find(({ host }) => host === null) }
}

/** Waits until every host has said what room it has. */
async function untilPlaced(fleet: BenchFleet, count: number): Promise<void> {
  const isPlaced = async () => (await plan(fleet, count)).unplaced === undefined
  await poll(isPlaced, { timeoutMs: 120_000, everyMs: 500, what: `room for ${count} instances` })
}

/** Applies, waits until all instances are healthy, and removes them. Returns the seconds from the request until the server calls all healthy. */
async function runOurs(fleet: BenchFleet, hosts: readonly Host[]): Promise<number> {
  const { api } = fleet
  const { id } = await plan(fleet, hosts.length)
  const began = performance.now()
  await api.call('applyServicePlan', { params: { id } })
  let last: unknown
  const isHealthy = async () => {
    const { services } = await api.call('listServices', { query: {} })
    last = services
    const [service] = services
    return service?.state === 'healthy' && service.instances.length === hosts.length
  }
  await poll(isHealthy, { timeoutMs: HEALTHY_MS, everyMs: LOOK_MS, what: 'healthy instances' }).catch(
    (error) => {
      throw new Error(`${error.message}: ${JSON.stringify(last)}`)
    },
  )
  const seconds = (performance.now() - began) / 1000
  const { instances } = await api.call('showService', { params: { service: 'bench/page' } })
  for (const host of hosts) {
    const own = instances.filter((instance) => instance.host?.name === host.name)
    if (own.length !== 1) throw new Error(`${host.name} has ${own.length} instances`)
    await needPage(host, own[0]?.ports[0]?.published ?? 0)
  }
  const body = { operationId: crypto.randomUUID(), action: 'remove' as const }
  await api.call('operateService', { params: { service: 'bench/page' }, body })
  const isGone = async () => (await api.call('listServices', { query: {} })).services.length === 0
  await poll(isGone, { timeoutMs: HEALTHY_MS, everyMs: LOOK_MS, what: 'the service to be gone' })
  return seconds
}

/** Deploys by the playbook, which waits for the port, and removes again. Returns the seconds of the former. */
async function runTheirs(peer: PlaybookPeer, hosts: readonly Host[]): Promise<number> {
  const name = 'bench-page'
  const { wallS } = await peer.run(PLAYBOOK, {
    container_name: name,
    container_image: IMAGE,
    container_command: COMMAND,
    container_ports: [`${PORT}:${PORT}`],
    container_verify_port: PORT,
  })
  for (const host of hosts) await needPage(host, PORT)
  await peer.run(PLAYBOOK, { container_name: name, container_state: 'absent' })
  return wallS
}

async function needPage({ name, address }: Host, port: number): Promise<void> {
  const page = await (await fetch(`http://${address}:${port}/`)).text()
  if (page !== 'up') throw new Error(`${name} answered ${page}`)
}
