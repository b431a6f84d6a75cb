import { LEDGER, PAGES, WAITS } from './container-program.ts'

export const IMAGE = 'registry.lan/chaos/tiny:1'
const PROJECTS = 4
const MIN_PROJECT = 3
const MAX_REPLICAS = 5
/** Each project has one instance of two containers: what has one replica in a file is a group. */
const GROUP_CONTAINERS = ['db', 'cache'] as const
/** Kinds of services beside the group, in turn: with a port and an HTTP check, with a TCP check, without any. */
const KINDS = ['page', 'tcp', 'plain'] as const

export type ServiceKind = 'group' | (typeof KINDS)[number]
export type DesiredState = 'running' | 'stopped' | 'gone'

/** A service as the run wants it. */
export interface DesiredService {
  project: string
  name: string
  kind: ServiceKind
  replicas: number
  /** It is in the environment and the labels of its containers. */
  revision: number
  wanted: DesiredState
}

export const toReference = ({ project, name }: Pick<DesiredService, 'project' | 'name'>) =>
  `${project}/${name}`

/** Returns services of some projects with so many instances together. Throws where there are fewer than three in a project. */
export function toDesiredFleet(instances: number): DesiredService[] {
  const share = Math.floor(instances / PROJECTS)
  if (share < MIN_PROJECT)
    throw new Error(`a run has at least ${PROJECTS * MIN_PROJECT} instances, not ${instances}`)
  return Array.from({ length: PROJECTS }, (_, index) => {
    const left = index < instances % PROJECTS ? share + 1 : share
    return toProject(`chaos${index + 1}`, left)
  }).flat()
}

function toProject(project: string, instances: number): DesiredService[] {
  const base = { project, revision: 1, wanted: 'running' as const }
  const services: DesiredService[] = [{ ...base, name: project, kind: 'group', replicas: 1 }]
  for (let left = instances - 1; left > 0; ) {
    // A single one would be of the group.
    const replicas = left === MAX_REPLICAS + 1 ? MAX_REPLICAS - 1 : Math.min(left, MAX_REPLICAS)
    const number = services.length
    const kind = KINDS[number % KINDS.length] ?? 'plain'
    services.push({ ...base, name: `${kind}${number}`, kind, replicas })
    left -= replicas
  }
  return services
}

/** Returns the containers of an instance of a service. */
export const toContainerNames = ({ kind, name }: Pick<DesiredService, 'kind' | 'name'>): readonly string[] =>
  kind === 'group' ? GROUP_CONTAINERS : [name]

/** Writes the service file of a project: of those of its services that are not to go. */
export function toServiceFile(project: string, services: readonly DesiredService[]): string {
  const own = services.filter((one) => one.project === project && one.wanted !== 'gone')
  const containers = own.flatMap((service) =>
    toContainerNames(service).map((name) => toContainer(service, name)),
  )
  return `name: ${project}\nservices:\n${containers.join('')}volumes:\n  data:\n`
}

function toContainer({ kind, replicas, revision }: DesiredService, name: string): string {
  const program = kind === 'plain' ? WAITS : PAGES
  const volumes = [
    `${LEDGER}:${LEDGER}`,
    '/etc/hostname:/etc/host-name:ro',
    ...(name === 'db' ? ['data:/data'] : []),
  ]
  const lines = [
    `image: ${IMAGE}`,
    // A dollar alone would be a variable.
    `command: [perl, -e, ${JSON.stringify(program.replaceAll('$', () => '$$'))}]`,
    `environment: {CONTAINER: ${name}, REVISION: "${revision}"}`,
    `labels: {chaos.revision: "${revision}"}`,
    `volumes: ${JSON.stringify(volumes)}`,
    ...(kind === 'group' ? [] : [`deploy: {replicas: ${replicas}}`]),
    ...(kind === 'page' ? ['ports: ["8080"]'] : []),
    ...(name === 'cache' ? ['depends_on: [db]'] : []),
    ...(kind === 'page' ? ['x-rollcall: {checks: [{http: "/", port: 8080, interval: 3s}]}'] : []),
    ...(kind === 'tcp' || kind === 'group' ? ['x-rollcall: {checks: [{tcp: 8080, interval: 3s}]}'] : []),
  ]
  return `  ${name}:\n${lines.map((line) => `    ${line}\n`).join('')}`
}
