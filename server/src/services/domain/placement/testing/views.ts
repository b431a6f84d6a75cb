import { type LabelTerm, parseSelector } from '@rollcall/contracts/admin'
import { type Placement, place } from '../place.ts'
import { toReason } from '../reason.ts'
import { runToEnd } from '../run-to-end.ts'
import type { PlacementHost, PlacementRequest } from '../view.ts'

export const NOW = new Date('2026-11-30T12:00:00Z')
export const MIB = 1024 * 1024
export const GIB = 1024 * MIB

/** Returns a time before `NOW`. */
export const ago = (ms: number): Date => new Date(NOW.getTime() - ms)

/** Makes a host on which nothing is and which takes everything. */
export const host = (name: string, change: Partial<PlacementHost> = {}): PlacementHost => ({
  id: `id-${name}`,
  name,
  state: 'online',
  isBusy: false,
  isDrained: false,
  settlesAt: null,
  protocol: 7,
  architecture: 'x86_64',
  engine: 'podman',
  labels: {},
  capacity: { milliCpus: 4000, memoryBytes: 8 * GIB },
  instances: 0,
  reserved: { milliCpus: 0, memoryBytes: 0 },
  measured: { milliCpus: 0, memoryBytes: 0 },
  freeDiskBytes: 100 * GIB,
  ports: [],
  images: [],
  silences: [],
  ...change,
})

/** Makes a request of one slot that every host can take. */
export const request = (service: string, change: Partial<PlacementRequest> = {}): PlacementRequest => ({
  service,
  slots: [1],
  needs: { milliCpus: 0, memoryBytes: 0 },
  images: [],
  architectures: ['x86_64'],
  engines: ['podman', 'docker'],
  minProtocol: 7,
  select: [],
  constraints: [],
  ports: [],
  volumes: [],
  maxPerHost: null,
  spread: [],
  prefer: [],
  weights: {},
  instances: [],
  ranOn: [],
  failures: [],
  ...change,
})

/** Parses a selector that is known to be right. */
export function terms(selector: string): LabelTerm[] {
  const parsed = parseSelector(selector)
  if (typeof parsed === 'string') throw new Error(`${selector} ${parsed}`)
  return parsed
}

export const placeAll = (
  requests: readonly PlacementRequest[],
  fleet: readonly PlacementHost[],
  now = NOW,
): Placement[] => runToEnd(place(requests, fleet, now))

/** Places one request and returns the names of its hosts, in the order of its slots. */
export const hostsOf = (wanted: PlacementRequest, fleet: readonly PlacementHost[]): (string | null)[] =>
  placeAll([wanted], fleet).map(({ host: id }) => id?.slice('id-'.length) ?? null)

/** Returns why a request has no host. Throws if it has one. */
export const reasonFor = (wanted: PlacementRequest, fleet: readonly PlacementHost[]) => {
  const [placement] = placeAll([wanted], fleet)
  if (!placement || placement.host !== null) throw new Error(`it is placed on ${placement?.host}`)
  return toReason(placement.explanation)
}
