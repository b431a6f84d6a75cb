import { z } from 'zod'

const ms = z.int().min(0)
const port = z.int().min(1).max(65_535)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const text = z.string()
const named = z.strictObject({ name: text, value: text })
const containerName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/)
const resourceName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/)

const mount = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('volume'),
    target: text,
    is_read_only: z.boolean(),
    /** The volume's name on the host; null for one that goes with its instance. */
    source: resourceName.nullable(),
  }),
  z.strictObject({
    type: z.literal('bind'),
    target: text,
    is_read_only: z.boolean(),
    source: text,
    is_created: z.boolean(),
    propagation: text.nullable(),
    selinux: z.enum(['z', 'Z']).nullable(),
  }),
  z.strictObject({
    type: z.literal('tmpfs'),
    target: text,
    is_read_only: z.boolean(),
    size_bytes: z.int().nullable(),
    mode: z.int().nullable(),
  }),
])

const fileGrant = z.strictObject({
  /** A key of `secrets` or of `configs`. */
  source: text,
  target: text,
  uid: text.nullable(),
  gid: text.nullable(),
  mode: z.int().nullable(),
})

const probe = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), path: text, port }),
  z.strictObject({ kind: z.literal('tcp'), port }),
  z.strictObject({
    kind: z.literal('database'),
    database: z.enum(['postgres', 'mysql', 'redis']),
    port,
  }),
  z.strictObject({ kind: z.literal('command'), argv: z.array(text).min(1) }),
  z.strictObject({ kind: z.literal('process'), name: text.min(1) }),
  z.strictObject({
    kind: z.literal('resources'),
    max_memory_percent: z.int().nullable(),
    max_cpu_percent: z.int().nullable(),
  }),
])

const healthcheck = z.strictObject({
  test: z.array(text).nullable(),
  interval_ms: ms,
  timeout_ms: ms,
  retries: z.int().min(1),
  start_period_ms: ms,
  start_interval_ms: ms.nullable(),
})

const resources = z.strictObject({
  max_cpus: z.number().nullable(),
  max_memory_bytes: z.int().nullable(),
  max_pids: z.int().nullable(),
  reserved_cpus: z.number().nullable(),
  reserved_memory_bytes: z.int().nullable(),
})

export const orderedImage = z.strictObject({
  ref: text.min(1),
  /** The digest of the manifest for the architecture of the host. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** `layout`: the server has brought it. `host`: the host pulls it. */
  source: z.enum(['layout', 'host']),
})
export type OrderedImage = z.infer<typeof orderedImage>

const container = z.strictObject({
  name: containerName,
  is_job: z.boolean(),
  after: z.array(
    z.strictObject({ container: containerName, condition: z.enum(['started', 'healthy', 'completed']) }),
  ),
  image: orderedImage,
  command: z.array(text).nullable(),
  entrypoint: z.array(text).nullable(),
  working_dir: text.nullable(),
  user: text.nullable(),
  groups: z.array(text),
  hostname: text.nullable(),
  aliases: z.array(text),
  environment: z.array(named),
  secret_environment: z.array(z.strictObject({ name: text, secret: text })),
  mounts: z.array(mount),
  secrets: z.array(fileGrant),
  configs: z.array(fileGrant),
  healthcheck: healthcheck.nullable(),
  labels: z.array(named),
  network_mode: z.enum(['group', 'host', 'none']),
  extra_hosts: z.array(z.strictObject({ name: text, address: text })),
  dns: z.array(text),
  dns_search: z.array(text),
  dns_options: z.array(text),
  added_capabilities: z.array(text),
  dropped_capabilities: z.array(text),
  is_read_only: z.boolean(),
  has_init: z.boolean(),
  is_privileged: z.boolean(),
  has_host_pids: z.boolean(),
  ipc: z.enum(['host', 'private', 'shareable']).nullable(),
  security_options: z.array(text),
  ulimits: z.array(z.strictObject({ name: text, soft: z.int(), hard: z.int() })),
  sysctls: z.array(named),
  shm_bytes: z.int().nullable(),
  stop_signal: text.nullable(),
  stop_grace_ms: ms,
  devices: z.array(z.strictObject({ source: text, target: text, permissions: text })),
  oom_score_adj: z.int().nullable(),
  resources,
  has_output: z.boolean(),
  ports: z.array(
    z.strictObject({
      target: port,
      published: port,
      protocol: z.enum(['tcp', 'udp']),
      host_ip: text.nullable(),
    }),
  ),
})

const check = z.strictObject({
  container: containerName,
  probe,
  is_critical: z.boolean(),
  interval_ms: ms,
  timeout_ms: ms,
  fails: z.int().min(1),
  passes: z.int().min(1),
  start_period_ms: ms,
})
export type OrderedCheck = z.infer<typeof check>

const playbook = z.strictObject({
  /** For people: `mysite/api`. */
  name: text,
  file: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,99}\.yml$/),
  /** The collection that the server has brought; null for a playbook that comes with the tools. */
  collection: z
    .strictObject({ name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/), version: sha256 })
    .nullable(),
  state_variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
  /** As Ansible gets them, but for that of the state. */
  variables: z.record(z.string(), z.json()),
  /** The unit that it makes; null where what it makes is not watched by one. */
  unit: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}\.service$/)
    .nullable(),
  ports: z.array(
    z.strictObject({ published: port, protocol: z.enum(['tcp', 'udp']), host_ip: text.nullable() }),
  ),
})
export type OrderedPlaybook = z.infer<typeof playbook>

/** A host refuses an order with more bytes. */
export const MAX_ORDER_BYTES = 4 * 1024 * 1024
const MAX_CONTAINERS = 32
const MAX_CHECKS = 32

/** An order: it makes a host run one generation of an instance. It holds secrets: the host removes the file once it was taken. */
export const order = z.strictObject({
  format: z.literal(1),
  instance: z.string().regex(/^[0-9a-f]{8}$/),
  generation: z.int().min(1),
  revision: sha256,
  name: text,
  project: text,
  service: text,
  slot: z.int().min(1),
  fence: z.enum(['none', 'lease', 'confirm']),
  /** The network of the group; null where no container is in it. */
  network: resourceName.nullable(),
  /** In the order in which they start; none where a playbook makes the instance. */
  containers: z.array(container).max(MAX_CONTAINERS),
  playbook: playbook.nullable(),
  /** By their names on the host. */
  volumes: z.array(z.strictObject({ name: resourceName, is_external: z.boolean() })),
  /** Base64, by name. */
  secrets: z.record(z.string(), z.base64()),
  configs: z.record(z.string(), z.base64()),
  checks: z.array(check).max(MAX_CHECKS),
})
export type Order = z.infer<typeof order>
