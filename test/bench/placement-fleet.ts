import { createHash } from 'node:crypto'
import { parseSelector } from '@rollcall/contracts/admin'
import type { PlacementHost, PlacementRequest } from '../../server/src/services/domain/placement/view.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2
const IMAGES = 300
const IMAGES_PER_HOST = 8

export const NOW = new Date('2026-11-30T12:00:00Z')

/** Random numbers that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Each digest is one text, as in the server's view of a fleet: there they come from the requests. */
const DIGESTS = Array.from(
  { length: IMAGES },
  (_, image) => `sha256:${createHash('sha256').update(String(image)).digest('hex')}`,
)
const digestOf = (image: number) => DIGESTS[image] ?? ''
const pick = <T>(random: () => number, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)] as T

/** Makes a fleet of many kinds of hosts: five zones, two architectures, some drained, offline or full. */
export function makeFleet(count: number): PlacementHost[] {
  const random = seeded(1)
  return Array.from({ length: count }, (_, at) => makeHost(random, at))
}

function makeHost(random: () => number, at: number): PlacementHost {
  const memoryBytes = pick(random, [8, 16, 32, 64]) * GIB
  const milliCpus = pick(random, [2000, 4000, 8000, 16_000])
  const share = () => random() * 0.7
  return {
    id: `4f1c2d3e-0000-4000-8000-${String(at).padStart(12, '0')}`,
    name: `app-${at}`,
    state: random() < 0.97 ? 'online' : 'offline',
    isBusy: false,
    isDrained: random() < 0.01,
    settlesAt: null,
    protocol: 7,
    architecture: random() < 0.9 ? 'x86_64' : 'aarch64',
    engine: random() < 0.9 ? 'podman' : 'docker',
    labels: {
      zone: pick(random, ['a', 'b', 'c', 'd', 'e']),
      env: pick(random, ['prod', 'prod', 'test']),
      ssd: String(random() < 0.5),
      rack: `r${at % 200}`,
    },
    capacity: { milliCpus, memoryBytes },
    instances: 0,
    reserved: { milliCpus: share() * milliCpus, memoryBytes: share() * memoryBytes },
    measured: { milliCpus: share() * milliCpus, memoryBytes: share() * memoryBytes },
    freeDiskBytes: random() * 100 * GIB,
    ports: [22, 80, 443, 20_000 + (at % 100)]
      .filter(() => random() < 0.7)
      .map((port) => ({ protocol: 'tcp', port, holder: 'a program' })),
    images: Array.from({ length: IMAGES_PER_HOST }, () => digestOf(Math.floor(random() * IMAGES))),
    silences: random() < 0.05 ? [new Date(NOW.getTime() - 60_000)] : [],
  }
}

/** Makes services that ask for all that can be asked for, each in some of them. */
export function makeRequests(count: number, slotsEach: number): PlacementRequest[] {
  const random = seeded(2)
  return Array.from({ length: count }, (_, at) => makeRequest(random, at, slotsEach))
}

function makeRequest(random: () => number, at: number, slotsEach: number): PlacementRequest {
  return {
    service: `shop-${at}`,
    slots: Array.from({ length: slotsEach }, (_, slot) => slot + 1),
    needs: { milliCpus: pick(random, [0, 100, 500]), memoryBytes: pick(random, [64, 256, 512]) * MIB },
    images: [{ digest: digestOf(at % IMAGES), bytes: pick(random, [50, 200, 800]) * MIB }],
    architectures: pick(random, [['x86_64'], ['x86_64', 'aarch64']]),
    engines: ['podman', 'docker'],
    minProtocol: 7,
    select: toTerms(pick(random, ['env=prod', 'env=test,zone in (a,b,c)', 'zone notin (e)', 'ssd=true'])),
    constraints: random() < 0.2 ? toTerms(`rack!=r${at % 200}`) : [],
    ports: [{ protocol: 'tcp', port: random() < 0.3 ? 8000 + (at % 50) : null }],
    volumes: [],
    maxPerHost: random() < 0.5 ? 1 : null,
    spread: pick(random, [[], ['zone'], ['zone', 'rack']]),
    prefer: random() < 0.3 ? [{ terms: toTerms('ssd=true'), weight: 20 }] : [],
    weights: {},
    instances: [],
    ranOn: [],
    failures: [],
  }
}

function toTerms(selector: string) {
  const terms = parseSelector(selector)
  if (typeof terms === 'string') throw new Error(`${selector} ${terms}`)
  return terms
}
