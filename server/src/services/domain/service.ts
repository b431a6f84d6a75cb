import type { ContainerSpec, ServiceGroup, ServiceSpec } from '@rollcall/compose'
import type { InstancePort, InstanceState, WantedState } from '@rollcall/contracts/admin'
import type { ManagedPlaybook } from '../../playbooks/index.ts'
import type { Resources } from './placement/view.ts'

/** A service as the file says it: the group with all that it names. */
export interface ServiceDefinition {
  project: string
  group: ServiceGroup
  /** The volumes that its containers name; `nameOnHost` is podman’s name. */
  volumes: readonly { name: string; nameOnHost: string; isExternal: boolean }[]
  configs: readonly { name: string; content: string }[]
  /** The playbook that makes it, with its variables; left out for containers. */
  playbook?: ManagedPlaybook
}

export interface ImageVariant {
  /** As images call it: `amd64` or `arm64`. */
  architecture: string
  /** The digest of the manifest for it. */
  digest: string
  bytes: number
}

/** The image of one container, held to its content. */
export interface ContainerImage {
  container: string
  /** As the file names it: `docker.io/library/nginx:1.27`. */
  ref: string
  /** The digest of the index or the manifest; null for an image that hosts pull and that the server does not know. */
  digest: string | null
  /** `layout` comes from the server, `host` is pulled there. */
  source: 'layout' | 'host'
  variants: readonly ImageVariant[]
}

export interface SecretVersion {
  version: number
  /** A keyed hash: it tells that a value has changed, and nothing of the value. */
  digest: string
}

/** A definition held to what it names at one moment: all that decides what an instance runs. */
export interface ResolvedService {
  definition: ServiceDefinition
  images: readonly ContainerImage[]
  secrets: Readonly<Record<string, SecretVersion>>
}

export interface ServiceRevision extends ResolvedService {
  id: string
  /** Counts from 1 within the service. */
  number: number
  digest: string
}

/** An instance that counts for its slot. */
export interface PlacedInstance {
  id: string
  slot: number
  generation: number
  host: { id: string; name: string } | null
  revision: ServiceRevision
  wanted: WantedState
  state: InstanceState
  ports: readonly InstancePort[]
}

/** A service as it is, with the instances that count for their slots, and where data of its slots is. */
export interface StoredService {
  id: string
  project: string
  name: string
  wanted: WantedState
  replicas: number | null
  revision: ServiceRevision
  isHalted: boolean
  instances: readonly PlacedInstance[]
}

/** Where the data of a slot's volume is. */
export interface SlotVolume {
  service: string
  slot: number
  /** On the host. */
  name: string
  hostId: string
}

/** Returns the name of a service for people: `shop/web`. */
export const toServiceName = (project: string, name: string): string => `${project}/${name}`

/** Digits of a version that people see. */
const SHOWN_DIGITS = 12

/** Returns a playbook for people, with the version of its collection. */
export const toPlaybookText = (name: string, version: string | null = null): string =>
  version === null ? name : `${name}, version ${version.slice(0, SHOWN_DIGITS)}`

/** Returns the containers of a group by name; what a playbook makes has none. */
export const toContainers = ({
  services,
}: ServiceGroup): readonly (ServiceSpec & { container: ContainerSpec })[] =>
  services.flatMap((service) =>
    service.runs.kind === 'container' ? [{ ...service, container: service.runs.container }] : [],
  )

const MILLI = 1000
/** The limits of what a playbook makes are those of its unit. */
const NO_LIMITS = { maxCpus: null, maxMemoryBytes: null }

/** Sums what one instance reserves: reservations, or limits where there are none. */
export function needsOf(group: ServiceGroup): Resources {
  let milliCpus = 0
  let memoryBytes = 0
  for (const { runs } of group.services) {
    const { reservedCpus, maxCpus, reservedMemoryBytes, maxMemoryBytes } =
      runs.kind === 'container' ? runs.container.resources : { ...runs.playbook, ...NO_LIMITS }
    milliCpus += Math.ceil((reservedCpus ?? maxCpus ?? 0) * MILLI)
    memoryBytes += reservedMemoryBytes ?? maxMemoryBytes ?? 0
  }
  return { milliCpus, memoryBytes }
}

/** Returns the reference of an image as people write it. */
export function toImageRef({ repository, tag, digest }: ContainerSpec['image']): string {
  const named = tag === null ? repository : `${repository}:${tag}`
  return digest === null ? named : `${named}@${digest}`
}
