import { z } from 'zod'
import { plainText } from '../text.ts'

/** Containers in one answer. */
export const MAX_CONTAINERS = 256
/** Published ports of one container in one answer. */
export const MAX_CONTAINER_PORTS = 64

/** An IPv4 or IPv6 address in its shortest form. */
export const ipAddress = z
  .string()
  .min(2)
  .max(45)
  .regex(/^[0-9a-f.:]+$/, 'must be an IP address')

const port = z.int().min(1).max(65_535)
const epochMs = z.int().min(0)

export const containerEngineName = z.enum(['podman', 'docker'])
export type ContainerEngineName = z.infer<typeof containerEngineName>

/** The engines' own states; `unknown` for any other. */
export const containerState = z.enum([
  'created',
  'configured',
  'initialized',
  'running',
  'paused',
  'restarting',
  'stopping',
  'stopped',
  'exited',
  'removing',
  'dead',
  'unknown',
])

export const containerPort = z.strictObject({
  protocol: z.enum(['tcp', 'udp', 'sctp']),
  /** `0.0.0.0` and `::` stand for all of the host's addresses. */
  host_address: ipAddress,
  host_port: port,
  container_port: port,
  /** How many ports in a row: 3 with host port 7000 means 7000, 7001 and 7002. */
  count: port,
})
export type ContainerPort = z.infer<typeof containerPort>

export const container = z.strictObject({
  engine: containerEngineName,
  id: z.string().regex(/^[0-9a-f]{12,64}$/, 'must be the hexadecimal id of a container'),
  name: plainText(255),
  image: plainText(512),
  state: containerState,
  /** Null for a container without a health check. */
  health: z.enum(['starting', 'healthy', 'unhealthy']).nullable(),
  /** Its latest start by the host's clock, whose present is `clock.time_ms`; null if it never started. */
  started_at_ms: epochMs.nullable(),
  /** Its latest end; null while it runs and when it never started. */
  ended_at_ms: epochMs.nullable(),
  /** The exit code of its latest end; null as above. */
  exit_code: z.int().min(-1).max(255).nullable(),
  ports: z.array(containerPort).max(MAX_CONTAINER_PORTS),
  /** There are more than `ports` has room for. */
  ports_truncated: z.boolean(),
})
export type Container = z.infer<typeof container>

export const containerEngine = z.strictObject({
  name: containerEngineName,
  /** When its containers were last scanned, by the host's clock; null before the first scan. */
  observed_at_ms: epochMs.nullable(),
  /** How many containers it has, those included that there was no room for. */
  total: z.int().min(0),
  /** Why the latest look failed; then its containers are those of the last one that did not. */
  failure: plainText(500).nullable(),
})
export type ContainerEngine = z.infer<typeof containerEngine>
