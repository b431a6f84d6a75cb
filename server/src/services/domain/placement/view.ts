import type { HostState, LabelTerm } from '@rollcall/contracts/admin'
import { MAX_INSTANCES } from '@rollcall/contracts/agent'
import type { TermName } from './ranges.ts'

/** Amounts that a host has or an instance needs. */
export interface Resources {
  milliCpus: number
  memoryBytes: number
}

export type Engine = 'podman' | 'docker'

export interface PortNumber {
  protocol: 'tcp' | 'udp'
  port: number
}

const UDP = 65_536
/** Returns a number that is different for every port. */
export const toPortKey = ({ protocol, port }: PortNumber): number => (protocol === 'udp' ? UDP : 0) + port

/** Chosen ports: below the range from which Linux takes ports for outgoing connections. */
export const FIRST_CHOSEN_PORT = 20_000
export const CHOSEN_PORTS = 10_000

export const isChosenPort = (port: number) =>
  port >= FIRST_CHOSEN_PORT && port < FIRST_CHOSEN_PORT + CHOSEN_PORTS
/** The most instances of one host: its reports have no more. */
export const MAX_INSTANCES_OF_HOST = MAX_INSTANCES

/** A port of a host that is in use, and who has it: `shop-web.1` or a program. */
export interface UsedPort extends PortNumber {
  holder: string
}

/** A host as placement sees it, at one moment. */
export interface PlacementHost {
  id: string
  name: string
  state: HostState
  /** It is degraded for no more than busy processors: it takes instances, and its load keeps it behind the others. */
  isBusy: boolean
  isDrained: boolean
  /** Until then it is watched, after it has come back; null for a host that is settled. */
  settlesAt: Date | null
  /** The agent's; null while it is unknown. */
  protocol: number | null
  /** Null while it is unknown. */
  architecture: string | null
  /** Null for a host without a container engine. */
  engine: Engine | null
  labels: Readonly<Record<string, string>>
  capacity: Resources
  /** How many instances are on it, of all services. */
  instances: number
  /** The sum of what instances on it have reserved. */
  reserved: Resources
  /** The mean of three minutes. */
  measured: Resources
  /** Room where images are kept. */
  freeDiskBytes: number
  ports: readonly UsedPort[]
  /** Digests of the images that are on it. */
  images: readonly string[]
  /** When it fell silent, lately. */
  silences: readonly Date[]
}

export interface VolumeNeed {
  name: string
  move: 'stay' | 'copy' | 'empty' | 'shared'
  /** Ids of the hosts that have its data; empty for a volume that is new. */
  hosts: readonly string[]
}

export interface Preference {
  terms: readonly LabelTerm[]
  /** From 1 to 100. */
  weight: number
}

/**
 * Slots of one service that need the same. Slots that differ, such as those whose volumes stay on different hosts, are
 * requests of their own. An instance with several containers is one slot: its needs are sums, and its ports and images
 * those of all.
 */
export interface PlacementRequest {
  /** How people call it; with the number of a slot it names an instance: `shop-web.2`. */
  service: string
  /** In the order in which they get their hosts. */
  slots: readonly number[]
  needs: Resources
  images: readonly { digest: string; bytes: number }[]
  /** For which all images exist. */
  architectures: readonly string[]
  /** Which may run it. */
  engines: readonly Engine[]
  minProtocol: number
  select: readonly LabelTerm[]
  /** As `select`; the keys `node.hostname` and `node.platform.arch` mean the host itself. */
  constraints: readonly LabelTerm[]
  /** A number is fixed; null is chosen. */
  ports: readonly { protocol: 'tcp' | 'udp'; port: number | null }[]
  volumes: readonly VolumeNeed[]
  maxPerHost: number | null
  /** Label keys: instances go to hosts with different values of these. */
  spread: readonly string[]
  prefer: readonly Preference[]
  weights: Readonly<Partial<Record<TermName, number>>>
  /** The host's id of every instance of this service that stays where it is. */
  instances: readonly string[]
  /** Ids of hosts on which it ran before. */
  ranOn: readonly string[]
  /** Where instances of this revision failed, and when. */
  failures: readonly { host: string; at: Date }[]
}

/** Returns the name of an instance for people. */
export const toInstanceName = (service: string, slot: number): string => `${service}.${slot}`
