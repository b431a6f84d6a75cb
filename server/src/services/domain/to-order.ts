import type { ContainerSpec, ServiceFile, ServiceGroup, ServiceSpec } from '@rollcall/compose'
import { RollcallError } from '@rollcall/contracts'
import type { ManagedPlaybook } from '../../playbooks/index.ts'
import type { Instance } from './driven-instance.ts'
import {
  MAX_ORDER_BYTES,
  type Order,
  type OrderedCheck,
  type OrderedImage,
  type OrderedPlaybook,
  order,
} from './order.ts'

/** A port of a container, with the port of the host that was chosen for it. */
export interface ResolvedPort {
  container: string
  target: number
  published: number
  protocol: 'tcp' | 'udp'
  hostIp: string | null
}

/** All that an order is made of. What the file names was looked up by the caller. */
export interface OrderInput {
  project: string
  group: ServiceGroup
  instance: Pick<Instance, 'id' | 'generation' | 'name' | 'slot'>
  /** SHA-256 of the specification. */
  revision: string
  /** By the name of the container. */
  images: ReadonlyMap<string, OrderedImage>
  ports: readonly ResolvedPort[]
  /** Volumes of the file, with their names on the host. */
  volumes: ReadonlyMap<string, { nameOnHost: string; isExternal: boolean }>
  secrets: ReadonlyMap<string, Uint8Array>
  configs: ServiceFile['configs']
  /** The playbook that makes it; left out for containers. */
  playbook?: ManagedPlaybook
}

interface RunContainer {
  service: ServiceSpec
  container: ContainerSpec
}

/**
 * Makes the order of one generation of an instance. Pure. Throws `server.defect` where something that the group names was not looked up, and
 * `service.order_too_large`.
 */
export function toOrder(input: OrderInput): Order {
  const { project, group, instance, volumes } = input
  const members = toMembers(group)
  const isInNetwork = members.some(({ container }) => container.networkMode === 'group')
  const names = new Set(members.map(({ service }) => service.name))
  const made = {
    format: 1,
    instance: instance.id,
    generation: instance.generation,
    revision: input.revision,
    name: instance.name,
    project,
    service: group.name,
    slot: instance.slot,
    fence: group.fence,
    network: isInNetwork ? `rollcall-${project}-${group.name}` : null,
    containers: members.map((member) => toContainer(member, names, input)),
    playbook: toPlaybook(input),
    volumes: usedVolumes(members).map((name) => {
      const { nameOnHost, isExternal } = found(volumes, name, 'volume')
      return { name: nameOnHost, is_external: isExternal }
    }),
    secrets: contentsOf(usedSecrets(members), (name) => found(input.secrets, name, 'secret')),
    configs: contentsOf(usedConfigs(members), (name) => configOf(input.configs, name)),
    checks: group.services.flatMap(toChecks),
  }
  const parsed = order.parse(made)
  if (Buffer.byteLength(JSON.stringify(parsed)) <= MAX_ORDER_BYTES) return parsed
  throw new RollcallError(
    'service.order_too_large',
    `${instance.name} with its secrets and configs has more than ${MAX_ORDER_BYTES / 1024 / 1024} MiB. Bring large files by a volume or an image.`,
  )
}

const toMembers = ({ services }: ServiceGroup): RunContainer[] =>
  services.flatMap((service) =>
    service.runs.kind === 'container' ? [{ service, container: service.runs.container }] : [],
  )

function toPlaybook({ group, playbook, ports }: OrderInput): OrderedPlaybook | null {
  const [service] = group.services
  if (service?.runs.kind !== 'playbook') return null
  if (!playbook) throw new RollcallError('server.defect', `the playbook of ${service.name} was not looked up`)
  return {
    name: playbook.name,
    file: playbook.file,
    collection: playbook.collection,
    state_variable: playbook.stateVariable,
    variables: playbook.variables as OrderedPlaybook['variables'],
    unit: service.runs.playbook.unit,
    ports: ports.map(({ published, protocol, hostIp }) => ({ published, protocol, host_ip: hostIp })),
  }
}

function toContainer(
  { service, container }: RunContainer,
  names: ReadonlySet<string>,
  { images, ports, volumes }: OrderInput,
) {
  const { image: _, containerName: _name, architecture: _architecture, mounts, ...spec } = container
  const { secretEnvironment, ...rest } = spec
  return {
    ...(toSnakeCase(rest) as object),
    name: service.name,
    is_job: service.isJob,
    // Those in other groups are on other hosts, where nothing can be waited for.
    after: service.dependsOn
      .filter((dependency) => names.has(dependency.service))
      .map(({ service: name, condition }) => ({ container: name, condition })),
    image: found(images, service.name, 'image'),
    secret_environment: secretEnvironment.map(({ name, value }) => ({ name, secret: value })),
    mounts: mounts.map((mount) => {
      const isNamed = mount.type === 'volume' && mount.source !== null
      const source = isNamed ? found(volumes, mount.source ?? '', 'volume').nameOnHost : undefined
      return toSnakeCase(source === undefined ? mount : { ...mount, source })
    }),
    ports: portsOf(service, ports),
  }
}

function portsOf(service: ServiceSpec, resolved: readonly ResolvedPort[]) {
  const ports = resolved.filter(({ container }) => container === service.name)
  if (ports.length !== service.ports.length)
    throw new RollcallError(
      'server.defect',
      `${service.name} has ${service.ports.length} ports, and ${ports.length} were chosen for it`,
    )
  return ports.map(({ container: _, ...port }) => toSnakeCase(port))
}

/** A health check of the file is a check like those of Rollcall's own: podman's are turned off on the host. */
function toChecks(service: ServiceSpec): OrderedCheck[] {
  const healthcheck = service.runs.kind === 'container' ? service.runs.container.healthcheck : null
  const own = service.checks.map(
    (check) => ({ container: service.name, ...(toSnakeCase(check) as object) }) as OrderedCheck,
  )
  if (healthcheck === null || healthcheck.test === null) return own
  const [program, ...words] = healthcheck.test
  if (program === undefined) return own
  const ofFile: OrderedCheck = {
    container: service.name,
    probe: { kind: 'command', argv: [program, ...words] },
    is_critical: true,
    interval_ms: healthcheck.intervalMs,
    timeout_ms: healthcheck.timeoutMs,
    fails: healthcheck.retries,
    // In Compose one success is enough.
    passes: 1,
    start_period_ms: healthcheck.startPeriodMs,
  }
  return [ofFile, ...own]
}

const usedVolumes = (members: readonly RunContainer[]) =>
  unique(
    members.flatMap(({ container }) =>
      container.mounts.flatMap((mount) =>
        mount.type === 'volume' && mount.source !== null ? [mount.source] : [],
      ),
    ),
  )

const usedSecrets = (members: readonly RunContainer[]) =>
  unique(
    members.flatMap(({ container }) => [
      ...container.secrets.map(({ source }) => source),
      ...container.secretEnvironment.map(({ value }) => value),
    ]),
  )

const usedConfigs = (members: readonly RunContainer[]) =>
  unique(members.flatMap(({ container }) => container.configs.map(({ source }) => source)))

const unique = (names: readonly string[]) => [...new Set(names)]

function configOf(configs: ServiceFile['configs'], name: string): Uint8Array {
  const config = configs.find((one) => one.name === name)
  if (config) return Buffer.from(config.content)
  throw new RollcallError('server.defect', `the config ${name} was not looked up`)
}

const contentsOf = (names: readonly string[], read: (name: string) => Uint8Array) =>
  Object.fromEntries(names.map((name) => [name, Buffer.from(read(name)).toString('base64')]))

function found<T>(values: ReadonlyMap<string, T>, name: string, what: string): T {
  const value = values.get(name)
  if (value !== undefined) return value
  throw new RollcallError('server.defect', `the ${what} ${name} was not looked up`)
}

/** Converts the names of fields at every depth; those of a specification are all declared. */
function toSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSnakeCase)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, part]) => [toSnakeName(name), toSnakeCase(part)])
  return Object.fromEntries(entries)
}

const toSnakeName = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
