import { createHash } from 'node:crypto'
import { readServices } from '@rollcall/compose'
import { runToEnd } from '../../placement/run-to-end.ts'
import { host, NOW } from '../../placement/testing/views.ts'
import type { PlacementHost } from '../../placement/view.ts'
import {
  type PlacedInstance,
  type ResolvedService,
  type ServiceRevision,
  type SlotVolume,
  type StoredService,
  toContainers,
  toImageRef,
} from '../../service.ts'
import { toRevisionDigest } from '../digest.ts'
import { planServices } from '../plan-services.ts'
import type { PlanView } from '../plan-view.ts'
import type { PlannedService, ServicesPlan } from '../planned.ts'
import { toDefinitions } from '../wanted-services.ts'

export const machine = (name: string, change: Partial<PlacementHost> = {}): PlacementHost =>
  host(name, { architecture: 'amd64', ...change })

const toDigest = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

/** Reads a file and resolves it: each image has the digest of its name, and each secret version 1. */
export function resolved(text: string, { secret = 1, image = '' } = {}): ResolvedService[] {
  const { spec, faults } = readServices(text)
  if (!spec) throw new Error(JSON.stringify(faults))
  return toDefinitions(spec, spec.project ?? 'shop').map((definition) => ({
    definition,
    images: toContainers(definition.group).map(({ name, container }) => {
      const ref = toImageRef(container.image)
      const digest = toDigest(ref + image)
      const variants = [{ architecture: 'amd64', digest: toDigest(`${ref}${image} amd64`), bytes: 1000 }]
      return { container: name, ref, digest, source: 'layout', variants }
    }),
    secrets: Object.fromEntries(
      toContainers(definition.group).flatMap(({ container }) =>
        container.secrets.map(({ source }) => [source, { version: secret, digest: `${source} ${secret}` }]),
      ),
    ),
  }))
}

/** Plans a file against what is there. */
export const plan = (view: Partial<PlanView> & Pick<PlanView, 'wanted' | 'fleet'>): ServicesPlan =>
  runToEnd(
    planServices({
      project: 'shop',
      stored: [],
      volumes: [],
      isPruning: false,
      removedVolumes: [],
      now: NOW,
      ...view,
    }),
  )

/** Returns what a plan makes of a service. */
export function entry({ services }: ServicesPlan, name: string): PlannedService {
  const found = services.find((service) => service.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}

let made = 0

/** Makes what is stored once a plan was applied and is running. */
export function applied({ services, project }: ServicesPlan): StoredService[] {
  return services.flatMap(({ name, wanted, slots }): StoredService[] => {
    if (!wanted) return []
    const revision: ServiceRevision = {
      ...wanted,
      id: `r-${++made}`,
      number: 1,
      digest: toRevisionDigest(wanted),
    }
    const instances = slots.map(
      ({ slot, host, ports, instance }): PlacedInstance => ({
        id: instance?.id ?? `i-${++made}`,
        slot,
        generation: 1,
        host,
        revision,
        wanted: 'running',
        state: host ? 'running' : 'unplaced',
        ports,
      }),
    )
    const { replicas } = wanted.definition.group
    return [
      { id: `s-${name}`, project, name, wanted: 'running', replicas, revision, isHalted: false, instances },
    ]
  })
}

/** Returns where data is once a plan was applied. */
export const dataOf = ({ services }: ServicesPlan, name: string): SlotVolume[] =>
  services.flatMap(({ name: service, slots }) =>
    slots.flatMap(({ slot, host }) => (host ? [{ service, slot, name, hostId: host.id }] : [])),
  )
