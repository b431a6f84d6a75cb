import type { ContainerSpec, ServiceSpec } from '../spec.ts'
import { type Draft, type ServiceValues, toFileMounts, toMounts } from './drafts.ts'
import { toConfigName } from './to-configs.ts'
import { toPlaybookRun } from './to-playbook.ts'

const DEFAULT_GRACE_MS = 10_000
const DEFAULT_DRAIN_MS = 30_000

/** Returns the service that a draft describes; undefined after a fault. `jobs` are the services whose success others wait for, `names` those of all. */
export function toService(
  draft: Draft,
  { jobs, names }: { jobs: ReadonlySet<string>; names: ReadonlySet<string> },
): ServiceSpec | undefined {
  const { name, values } = draft
  const { ports, depends_on: dependencies = [], 'x-rollcall': own } = values
  const isJob = jobs.has(name)
  const runs = own?.playbook === undefined ? toContainerRun(draft) : toPlaybookRun(draft, own.playbook, isJob)
  if (!runs) return undefined
  checkGateway(draft)
  return {
    name,
    runs,
    isJob,
    ports: toValues(ports?.value),
    dependsOn: dependencies
      .filter((one) => names.has(one.name))
      .map(({ name, value }) => ({ service: name, condition: value.condition })),
    checks: toValues(own?.checks),
    gateway: toGateway(own?.gateway?.value),
    reach: toValues(own?.reach),
  }
}

const toValues = <T>(all: readonly { value: T }[] | undefined): T[] => all?.map(({ value }) => value) ?? []

type Rollcall = NonNullable<ServiceValues['x-rollcall']>

function toGateway(values: NonNullable<Rollcall['gateway']>['value'] | undefined): ServiceSpec['gateway'] {
  const { host, port, path = null, drain = DEFAULT_DRAIN_MS, streams: hasStreams = false } = values ?? {}
  return host === undefined || port === undefined ? null : { host, port, path, drainMs: drain, hasStreams }
}

/** A gateway sends to a port of the host, so the container's port must be published. */
function checkGateway({ values, reader }: Draft): void {
  const gateway = values['x-rollcall']?.gateway
  const port = gateway?.value.port
  if (!gateway || port === undefined || values.network_mode === 'host') return
  if (values['x-rollcall']?.playbook !== undefined) return
  if (!values.ports?.value.some(({ value }) => value.target === port && value.protocol === 'tcp'))
    reader
      .at('x-rollcall')
      .at('gateway')
      .fault(gateway.place, `sends to port ${port}, which is not under ports`, `add "${port}" to ports`)
}

function toContainerRun(draft: Draft): ServiceSpec['runs'] | undefined {
  const { values, place, reader } = draft
  const own = values['x-rollcall']
  for (const key of ['variables', 'unit'] as const)
    if (own?.places[key])
      reader.at('x-rollcall').at(key).fault(own.places[key], 'is for playbooks', 'add playbook, or remove it')
  if (!values.places.image && !values.places.build)
    return reader.fault(place, 'lacks image', 'add image: registry/path:tag, or x-rollcall.playbook')
  checkNetwork(draft)
  const container = toContainer(draft)
  return container && { kind: 'container', container }
}

function checkNetwork({ values, reader }: Draft): void {
  const { network_mode: mode, places } = values
  if (mode !== 'host' && mode !== 'none') return
  if (places.ports)
    reader
      .at('ports')
      .fault(places.ports, `has no meaning with network_mode: ${mode}`, 'remove one of the two')
  if (places.networks)
    reader
      .at('networks')
      .fault(places.networks, `has no meaning with network_mode: ${mode}`, 'remove one of the two')
}

function toContainer({ values }: Draft): ContainerSpec | undefined {
  const { image } = values
  if (!image) return undefined
  return {
    image,
    ...toProgram(values),
    ...toFiles(values),
    ...toNetwork(values),
    ...toRights(values),
    healthcheck: values.healthcheck ?? null,
    labels: values.labels ?? [],
    containerName: values.container_name ?? null,
    resources: toResources(values),
    architecture: toArchitecture(values.platform),
    hasOutput: values.logging?.driver !== 'none',
  }
}

const toArchitecture = (platform: string | undefined): ContainerSpec['architecture'] => {
  if (platform === undefined) return null
  return platform.startsWith('linux/arm64') ? 'arm64' : 'amd64'
}

function toProgram(values: ServiceValues) {
  const own = values['x-rollcall']
  const variables = new Map((values.env_file ?? []).map(({ name, value }) => [name, value]))
  for (const { name, value } of values.environment ?? []) variables.set(name, value)
  const secretEnvironment = (own?.secret_environment ?? []).map(({ name, value }) => ({ name, value }))
  for (const { name } of secretEnvironment) variables.delete(name)
  return {
    command: values.command ?? null,
    entrypoint: values.entrypoint ?? null,
    workingDir: values.working_dir ?? null,
    user: values.user ?? null,
    groups: values.group_add ?? [],
    environment: [...variables].map(([name, value]) => ({ name, value })),
    secretEnvironment,
    hasInit: values.init ?? false,
    stopSignal: values.stop_signal ?? null,
    stopGraceMs: values.stop_grace_period ?? DEFAULT_GRACE_MS,
    oomScoreAdj: values.oom_score_adj ?? null,
  }
}

const toFiles = (values: ServiceValues) => ({
  mounts: toMounts({ values }).flatMap(({ value }) => (value.type === 'file' ? [] : [value])),
  secrets: toValues(values.secrets),
  configs: [
    ...toValues(values.configs),
    ...toFileMounts({ values }).map(({ source, target }) => ({
      source: toConfigName(source),
      target,
      uid: null,
      gid: null,
      mode: null,
    })),
  ],
  devices: values.devices ?? [],
  isReadOnly: values.read_only ?? false,
  shmBytes: values.shm_size ?? null,
})

function toNetwork(values: ServiceValues) {
  const { network_mode: mode } = values
  return {
    hostname: values.hostname ?? null,
    aliases: [...new Set(values.networks ?? [])],
    networkMode: mode === 'host' || mode === 'none' ? mode : ('group' as const),
    extraHosts: values.extra_hosts ?? [],
    dns: values.dns ?? [],
    dnsSearch: values.dns_search ?? [],
    dnsOptions: values.dns_opt ?? [],
    sysctls: values.sysctls ?? [],
  }
}

const toRights = (values: ServiceValues) => ({
  addedCapabilities: values.cap_add ?? [],
  droppedCapabilities: values.cap_drop ?? [],
  isPrivileged: values.privileged?.value ?? false,
  hasHostPids: values.pid?.value === 'host',
  ipc: values.ipc?.value ?? null,
  securityOptions: toValues(values.security_opt),
  ulimits: values.ulimits ?? [],
})

function toResources({
  deploy,
  cpus,
  mem_limit: memory,
  mem_reservation: reserved,
  pids_limit: pids,
}: ServiceValues) {
  const { limits, reservations } = deploy?.resources ?? {}
  return {
    maxCpus: limits?.cpus ?? cpus ?? null,
    maxMemoryBytes: limits?.memory ?? memory ?? null,
    maxPids: limits?.pids ?? pids ?? null,
    reservedCpus: reservations?.cpus ?? null,
    reservedMemoryBytes: reservations?.memory ?? reserved ?? null,
  }
}
