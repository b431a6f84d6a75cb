import { z } from 'zod'

const ms = z.int().min(0)
const portNumber = z.int().min(1).max(65_535)
const variable = z.strictObject({ name: z.string(), value: z.string() })

const image = z.strictObject({
  /** Registry and path, whole: `docker.io/library/postgres`. */
  repository: z.string(),
  tag: z.string().nullable(),
  digest: z.string().nullable(),
})

const port = z.strictObject({
  target: portNumber,
  /** Null if Rollcall chooses one. */
  published: portNumber.nullable(),
  protocol: z.enum(['tcp', 'udp']),
  hostIp: z.string().nullable(),
})

const mountBase = { target: z.string(), isReadOnly: z.boolean() }
const mount = z.discriminatedUnion('type', [
  /** `source` is a name under `volumes`; null for a volume that goes with its instance. */
  z.strictObject({ ...mountBase, type: z.literal('volume'), source: z.string().nullable() }),
  z.strictObject({
    ...mountBase,
    type: z.literal('bind'),
    source: z.string(),
    /** The folder is created if it is not there. */
    isCreated: z.boolean(),
    propagation: z.string().nullable(),
    selinux: z.enum(['z', 'Z']).nullable(),
  }),
  z.strictObject({
    ...mountBase,
    type: z.literal('tmpfs'),
    sizeBytes: z.int().nullable(),
    mode: z.int().nullable(),
  }),
])

const fileGrant = z.strictObject({
  /** A name under `secrets`, or under `configs`. */
  source: z.string(),
  target: z.string(),
  uid: z.string().nullable(),
  gid: z.string().nullable(),
  mode: z.int().nullable(),
})

const healthcheck = z.strictObject({
  /** The program that looks, run in the container; null turns the check of the image off. */
  test: z.array(z.string()).nullable(),
  intervalMs: ms,
  timeoutMs: ms,
  retries: z.int().min(1),
  startPeriodMs: ms,
  startIntervalMs: ms.nullable(),
})

const probe = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), path: z.string(), port: portNumber }),
  z.strictObject({ kind: z.literal('tcp'), port: portNumber }),
  z.strictObject({
    kind: z.literal('database'),
    database: z.enum(['postgres', 'mysql', 'redis']),
    port: portNumber,
  }),
  z.strictObject({ kind: z.literal('command'), argv: z.array(z.string()).min(1) }),
  z.strictObject({ kind: z.literal('process'), name: z.string().min(1) }),
  z.strictObject({
    kind: z.literal('resources'),
    maxMemoryPercent: z.int().nullable(),
    maxCpuPercent: z.int().nullable(),
  }),
])

const check = z.strictObject({
  probe,
  isCritical: z.boolean(),
  intervalMs: ms,
  timeoutMs: ms,
  fails: z.int().min(1),
  passes: z.int().min(1),
  startPeriodMs: ms,
})

const resources = z.strictObject({
  maxCpus: z.number().nullable(),
  maxMemoryBytes: z.int().nullable(),
  /** -1 is without limit. */
  maxPids: z.int().nullable(),
  reservedCpus: z.number().nullable(),
  reservedMemoryBytes: z.int().nullable(),
})

/** The arguments of `podman run`, as data. */
const container = z.strictObject({
  image,
  /** Null keeps what the image says; an empty list takes it away. */
  command: z.array(z.string()).nullable(),
  entrypoint: z.array(z.string()).nullable(),
  workingDir: z.string().nullable(),
  user: z.string().nullable(),
  groups: z.array(z.string()),
  hostname: z.string().nullable(),
  /** The name that the file gave to the container; instances have names of their own. */
  containerName: z.string().nullable(),
  /** Further names in the network of the group. */
  aliases: z.array(z.string()),
  environment: z.array(variable),
  /** Variables whose values are secrets: `value` is the name of the secret. */
  secretEnvironment: z.array(variable),
  mounts: z.array(mount),
  secrets: z.array(fileGrant),
  configs: z.array(fileGrant),
  healthcheck: healthcheck.nullable(),
  labels: z.array(variable),
  networkMode: z.enum(['group', 'host', 'none']),
  extraHosts: z.array(z.strictObject({ name: z.string(), address: z.string() })),
  dns: z.array(z.string()),
  dnsSearch: z.array(z.string()),
  dnsOptions: z.array(z.string()),
  addedCapabilities: z.array(z.string()),
  droppedCapabilities: z.array(z.string()),
  isReadOnly: z.boolean(),
  hasInit: z.boolean(),
  isPrivileged: z.boolean(),
  hasHostPids: z.boolean(),
  ipc: z.enum(['host', 'private', 'shareable']).nullable(),
  securityOptions: z.array(z.string()),
  ulimits: z.array(z.strictObject({ name: z.string(), soft: z.int(), hard: z.int() })),
  sysctls: z.array(variable),
  shmBytes: z.int().nullable(),
  stopSignal: z.string().nullable(),
  stopGraceMs: ms,
  devices: z.array(z.strictObject({ source: z.string(), target: z.string(), permissions: z.string() })),
  oomScoreAdj: z.int().nullable(),
  resources,
  architecture: z.enum(['amd64', 'arm64']).nullable(),
  hasOutput: z.boolean(),
})

/** A service that a playbook makes. */
const playbook = z.strictObject({
  name: z.string(),
  variables: z.record(z.string(), z.json()),
  /** The unit that it makes; null where it cannot be stopped by it. */
  unit: z.string().nullable(),
  /** Room that the placement keeps for it. */
  reservedCpus: z.number().nullable(),
  reservedMemoryBytes: z.int().nullable(),
})

const gateway = z.strictObject({
  host: z.string(),
  port: portNumber,
  path: z.string().nullable(),
  drainMs: ms,
  hasStreams: z.boolean(),
})

const service = z.strictObject({
  name: z.string(),
  runs: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('container'), container }),
    z.strictObject({ kind: z.literal('playbook'), playbook }),
  ]),
  /** It ends by itself, and others wait for its success. It is not started again. */
  isJob: z.boolean(),
  ports: z.array(port),
  dependsOn: z.array(
    z.strictObject({ service: z.string(), condition: z.enum(['started', 'healthy', 'completed']) }),
  ),
  checks: z.array(check),
  gateway: gateway.nullable(),
  /** Services of other groups whose addresses it gets. */
  reach: z.array(z.string()),
})

const place = z.strictObject({
  /** A label selector; null for every host. */
  select: z.string().nullable(),
  /** Names of hosts; empty for all. */
  hosts: z.array(z.string()),
  excludedHosts: z.array(z.string()),
  /** Keys of labels, the most important first. */
  spread: z.array(z.string()),
  prefer: z.array(z.strictObject({ label: z.string(), points: z.int() })),
  weights: z.strictObject({ load: z.int(), spread: z.int(), affinity: z.int(), preference: z.int() }),
  maxPerHost: z.int().min(1).nullable(),
})

const update = z.strictObject({
  /** 0 is all at once. */
  parallelism: z.int().min(0),
  delayMs: ms,
  onFailure: z.enum(['rollback', 'pause', 'continue']),
  monitorMs: ms,
  maxFailureRatio: z.number(),
  order: z.enum(['start-first', 'stop-first']).nullable(),
})

const rollout = z.strictObject({
  strategy: z.enum(['auto', 'critical', 'redundant', 'parallel', 'progressive', 'priority']),
  canary: z.int().min(0),
  deadlineMs: ms,
  isCritical: z.boolean(),
  min: z.int().nullable(),
  max: z.int().nullable(),
  stopAfterFailures: z.int().nullable(),
  update,
  rollback: update,
})

const volumeMove = z.strictObject({ volume: z.string(), move: z.enum(['stay', 'copy', 'empty', 'shared']) })

/** The unit of placement: its services are on one host, share one network and find each other by name. An instance has a container for each. */
const group = z.strictObject({
  name: z.string(),
  /** Null for one instance on every host that fits. */
  replicas: z.int().min(0).nullable(),
  place,
  fence: z.enum(['none', 'lease', 'confirm']),
  leaseMs: ms.nullable(),
  hasLastResort: z.boolean(),
  rollout,
  heal: z.strictObject({
    rebalance: z.enum(['off', 'suggest', 'auto']),
    /** Hours such as `02:00-04:00`; null for any. */
    window: z.string().nullable(),
  }),
  volumes: z.array(volumeMove),
  spares: z.int().min(0),
  pull: z.enum(['server', 'host']),
  /** In the order in which they start. */
  services: z.array(service).min(1),
})

/** The meaning of a Compose file with `x-rollcall`. */
export const serviceFile = z.strictObject({
  /** Null where the file has no `name`. */
  project: z.string().nullable(),
  /** In the order in which they start. */
  groups: z.array(group),
  volumes: z.array(
    z.strictObject({ name: z.string(), nameOnHost: z.string().nullable(), isExternal: z.boolean() }),
  ),
  secrets: z.array(z.string()),
  configs: z.array(z.strictObject({ name: z.string(), content: z.string() })),
})

export type ServiceFile = z.infer<typeof serviceFile>
export type ServiceGroup = z.infer<typeof group>
export type ServiceSpec = z.infer<typeof service>
export type ContainerSpec = z.infer<typeof container>
