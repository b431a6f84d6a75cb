import { fileURLToPath } from 'node:url'
import { ApiError } from '@rollcall/contracts/client'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { BenchFleet } from './bench-fleet.ts'
import { installPeer } from './debian-packages.ts'
import { addPageImage, needPage, PAGE_COMMAND, PAGE_IMAGE, PAGE_PORT, untilPages } from './page-container.ts'
import { PlaybookPeer } from './playbook-peer.ts'
import { SwarmPeer } from './swarm-peer.ts'

const PLAYBOOK = fileURLToPath(new URL('../../playbooks/deploy_container.yml', import.meta.url))
const LONG_ROUNDS = 3
const SHORT_ROUNDS = 1
const HEALTHY_MS = 300_000
const MAX_REASON_LENGTH = 200
const MAX_PLANS = 20
/** As the page of services looks. */
const LOOK_MS = 200

/** Seconds until one container answers on every host, in each round. */
export interface PeerTimes {
  seconds: number[]
  /** Why it could not be measured; null if it was. */
  absent: string | null
}

export interface ApplyTimes {
  ours: number[]
  ansible: PeerTimes
  swarm: PeerTimes
}

/**
 * Starts one instance on each host, by the server and by `ansible-playbook`, in turns, and then by Swarm, whose daemons would slow the others. The
 * first of each is not counted: it brings the image.
 */
export async function measureApply(
  fleet: BenchFleet,
  hosts: readonly Host[],
  log: (line: string) => void,
  isShort: boolean,
): Promise<ApplyTimes> {
  const missing = await installPeer('/usr/bin/ansible-playbook', 'ansible-core', log)
  await addPageImage(fleet, hosts)
  await using peer = await PlaybookPeer.open(fleet.bed, hosts)
  const times: ApplyTimes = {
    ours: [],
    ansible: { seconds: [], absent: missing ?? null },
    swarm: { seconds: [], absent: null },
  }
  const rounds = isShort ? SHORT_ROUNDS : LONG_ROUNDS
  for (let round = 0; round <= rounds; round++) {
    const ours = await runOurs(fleet, hosts)
    log(`ours: ${ours.toFixed(1)} s${toNote(round)}`)
    if (round > 0) times.ours.push(ours)
    await measurePeer(times.ansible, `ansible-playbook${toNote(round)}`, round, log, () =>
      runAnsible(peer, hosts),
    )
  }
  let swarm: SwarmPeer | undefined
  for (let round = 0; round <= rounds; round++)
    await measurePeer(times.swarm, `Swarm${toNote(round)}`, round, log, async () => {
      swarm ??= await SwarmPeer.open(fleet.bed, hosts, log)
      return swarm.run()
    })
  return times
}

const toNote = (round: number) => (round === 0 ? ' (not counted)' : '')

/** Measures a round of a peer. One that fails is absent from then on: ours are measured all the same. */
async function measurePeer(
  times: PeerTimes,
  name: string,
  round: number,
  log: (line: string) => void,
  measure: () => Promise<number>,
): Promise<void> {
  if (times.absent !== null) return
  try {
    const seconds = await measure()
    log(`${name}: ${seconds.toFixed(1)} s`)
    if (round > 0) times.seconds.push(seconds)
  } catch (error) {
    const { message } = toError(error)
    log(`${name}: ${message}`)
    times.absent = message.slice(-MAX_REASON_LENGTH)
  }
}

const toError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

const toFile = (replicas: number) => `name: bench
services:
  page:
    image: ${PAGE_IMAGE}
    command: ${JSON.stringify(PAGE_COMMAND.map((word) => word.replaceAll('$', () => '$$')))}
    ports: ["${PAGE_PORT}"]
    deploy: {replicas: ${replicas}}
    x-rollcall: {place: {max_per_host: 1}, checks: [{http: "/", port: ${PAGE_PORT}, interval: 1s}]}
`

async function plan({ api }: BenchFleet, replicas: number) {
  const made = await api.call('planServices', { body: { text: toFile(replicas) } })
  if (!made.plan) throw new Error(JSON.stringify(made.faults))
  const placements = made.plan.services.flatMap((service) => service.placements)
  return { id: made.plan.id, unplaced: placements.find(({ host }) => host === null) }
}

/** Plans until every instance has a host: hosts must have said what room they have. Returns the id of the plan. */
function planPlaced(fleet: BenchFleet, count: number): Promise<string> {
  const toPlaced = async () => {
    const { id, unplaced } = await plan(fleet, count)
    return unplaced ? undefined : id
  }
  return poll(toPlaced, { timeoutMs: 120_000, everyMs: 500, what: `room for ${count} instances` })
}

/** Plans and applies. Returns when the request that was taken began: one is refused if a host's load has changed the order of hosts since the plan. */
async function applyPlan(fleet: BenchFleet, replicas: number): Promise<number> {
  for (let left = MAX_PLANS - 1; ; left--) {
    const id = await planPlaced(fleet, replicas)
    const began = performance.now()
    try {
      await fleet.api.call('applyServicePlan', { params: { id } })
      return began
    } catch (error) {
      const isOutdated = error instanceof ApiError && error.code === 'service.plan_outdated'
      if (!isOutdated || left === 0) throw error
    }
  }
}

/** Applies, waits until all instances are healthy, and removes them. Returns the seconds from the request until the server calls all healthy. */
async function runOurs(fleet: BenchFleet, hosts: readonly Host[]): Promise<number> {
  const { api } = fleet
  const began = await applyPlan(fleet, hosts.length)
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

/**
 * Deploys by the playbook and removes again. Returns the seconds until each host has its page: the playbook waits for the port, which podman takes
 * before the program listens.
 */
async function runAnsible(peer: PlaybookPeer, hosts: readonly Host[]): Promise<number> {
  const name = 'bench-page'
  const { wallS } = await peer.run(PLAYBOOK, {
    container_name: name,
    container_image: PAGE_IMAGE,
    container_command: PAGE_COMMAND,
    container_ports: [`${PAGE_PORT}:${PAGE_PORT}`],
    container_verify_port: PAGE_PORT,
  })
  const began = performance.now()
  await untilPages(hosts)
  const waitedS = (performance.now() - began) / 1000
  await peer.run(PLAYBOOK, { container_name: name, container_state: 'absent' })
  return wallS + waitedS
}
