import { type LabelTerm, parseSelector } from '@rollcall/contracts/admin'
import type { PlacementRequest } from '../placement/view.ts'
import { needsOf, type ResolvedService, toContainers, toServiceName } from '../service.ts'
import { movesOf } from './wanted-services.ts'

/** The architectures that there are agents for. */
const ARCHITECTURES = ['amd64', 'arm64']

/** Makes the request of slots whose volumes are new; which slots, and where data and instances are, is the caller's. */
export function toRequest(wanted: ResolvedService): PlacementRequest {
  const { group, project, playbook } = wanted.definition
  const { place } = group
  // A volume has one name on a host: two slots there would write the same data.
  const hasOwnData = movesOf(wanted.definition).some(({ move }) => move !== 'shared')
  return {
    service: toServiceName(project, group.name),
    slots: [],
    needs: needsOf(group),
    images: imagesOf(wanted),
    architectures: architecturesOf(wanted),
    engines: playbook === undefined ? ['podman'] : ['podman', 'docker'],
    // Steps are commands, which agents of every release run.
    minProtocol: 0,
    select: place.select === null ? [] : toTerms(place.select),
    constraints: [...toNameTerm('in', place.hosts), ...toNameTerm('notIn', place.excludedHosts)],
    ports: portNeedsOf(wanted).map(({ protocol, published }) => ({ protocol, port: published })),
    volumes: movesOf(wanted.definition).map((volume) => ({ ...volume, hosts: [] })),
    // What a playbook lays out has one place on a host.
    maxPerHost: group.replicas === null || hasOwnData || playbook !== undefined ? 1 : place.maxPerHost,
    spread: place.spread,
    prefer: place.prefer.map(({ label, points }) => ({ terms: toTerms(label), weight: points })),
    weights: place.weights,
    instances: [],
    ranOn: [],
    failures: [],
  }
}

/** Lists the published ports of all containers, in the order of the file. */
export const portNeedsOf = ({ definition }: ResolvedService) =>
  definition.group.services.flatMap(({ name, ports }) => ports.map((port) => ({ container: name, ...port })))

/** Lists for which architectures all images exist. Images that hosts pull are for any. */
export function architecturesOf({ definition, images }: ResolvedService): string[] {
  const demanded = toContainers(definition.group).flatMap(({ container }) => container.architecture ?? [])
  return ARCHITECTURES.filter(
    (architecture) =>
      demanded.every((one) => one === architecture) &&
      images.every(
        ({ variants }) => variants.length === 0 || variants.some((one) => one.architecture === architecture),
      ),
  )
}

/** Sizes differ by architecture, and the host is not known yet: the largest counts. */
const imagesOf = ({ images }: ResolvedService): PlacementRequest['images'] =>
  images.flatMap(({ digest, variants }) =>
    digest === null ? [] : [{ digest, bytes: Math.max(0, ...variants.map(({ bytes }) => bytes)) }],
  )

/** The reader has refused selectors that cannot be read; one that is matches nothing. */
function toTerms(selector: string): readonly LabelTerm[] {
  const terms = parseSelector(selector)
  return typeof terms === 'string' ? [{ key: selector, operator: 'in', values: [] }] : terms
}

const toNameTerm = (operator: 'in' | 'notIn', values: readonly string[]): LabelTerm[] =>
  values.length === 0 ? [] : [{ key: 'node.hostname', operator, values }]
