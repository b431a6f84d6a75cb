import { z } from 'zod'
import {
  container,
  containerEngineName,
  containerPort,
  containerState,
  ipAddress,
  MAX_CONTAINER_PORTS,
  MAX_CONTAINERS,
} from '../../agent/containers.ts'
import { MAX_OPEN_PORTS, openPort } from '../../agent/host.ts'
import { plainText, uuid } from '../../text.ts'

const percent = z.number().min(0).max(100)
const bytes = z.number().min(0)

const disk = z.strictObject({
  mount: plainText(4096),
  filesystem: plainText(64),
  totalBytes: bytes,
  availableBytes: bytes,
})

/** The part of a report that changes with every call. */
export const hostVitals = z.strictObject({
  uptimeS: z.number().min(0),
  load: z.tuple([z.number(), z.number(), z.number()]),
  /** The percentage of all cores; null at an agent's first answer. */
  cpuPercent: percent.nullable(),
  memoryPercent: percent,
  memory: z.strictObject({
    totalBytes: bytes,
    availableBytes: bytes,
    swapTotalBytes: bytes,
    swapFreeBytes: bytes,
  }),
  disks: z.array(disk).max(64),
  runningCommands: z.int().min(0),
})
export type HostVitals = z.infer<typeof hostVitals>

export const hostContainer = z.strictObject({
  engine: containerEngineName,
  /** Hexadecimal, 12 to 64 digits. */
  id: container.shape.id,
  name: plainText(255),
  image: plainText(512),
  state: containerState,
  /** Null for a container without a health check. */
  health: container.shape.health,
  /** Its latest start and end by the host's clock, and how that one ended. */
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable(),
  exitCode: z.int().nullable(),
  ports: z
    .array(
      z.strictObject({
        protocol: containerPort.shape.protocol,
        hostAddress: ipAddress,
        hostPort: z.int(),
        containerPort: z.int(),
        /** How many ports in a row. */
        count: z.int(),
      }),
    )
    .max(MAX_CONTAINER_PORTS),
  /** True if there are more ports than are listed. */
  arePortsCut: z.boolean(),
})
export type HostContainer = z.infer<typeof hostContainer>

/** The part of a report that seldom changes. */
export const hostFacts = z.strictObject({
  agentVersion: plainText(64),
  hostname: plainText(255),
  os: z.strictObject({ id: plainText(64), version: plainText(64), name: plainText(128) }),
  kernel: plainText(128),
  architecture: plainText(32),
  bootId: uuid,
  cores: z.int().min(1),
  timeZone: plainText(64),
  /** TCP ports that are listened on and UDP ports that are bound; null when the agent cannot know them. */
  openPorts: z.array(openPort).max(MAX_OPEN_PORTS).nullable(),
  areOpenPortsCut: z.boolean(),
  /** Root's containers, running ones first; null when not known. */
  containers: z.array(hostContainer).max(MAX_CONTAINERS).nullable(),
  containerEngines: z
    .array(
      z.strictObject({
        name: containerEngineName,
        /** The number of its containers, including those that are not listed. */
        total: z.int(),
        /** Why the latest look failed; then its containers are those of the last one that did not. */
        failure: plainText(500).nullable(),
      }),
    )
    .max(8),
})
export type HostFacts = z.infer<typeof hostFacts>
