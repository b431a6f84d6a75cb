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
import { neverAnId, plainText, uuid } from '../../text.ts'
import {
  HOST_STATE,
  type HostState,
  hostLabels,
  hostName,
  hostReachChange,
  hostState,
} from '../hosts/schemas.ts'
import { labelSelector } from '../selector.ts'

/** Tells whether a host's last report is older than its last call. */
export const areValuesStale = (state: HostState): boolean => !HOST_STATE.describe(state).isAnswering

const percent = z.number().min(0).max(100)
const bytes = z.number().min(0)
const DAY_MS = 86_400_000

const profileName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be lower-case letters, digits and dashes')

const interval = z
  .int('must be whole milliseconds')
  .min(1000, 'must be at least 1000 milliseconds')
  .max(DAY_MS)

/** How often agents are called: each at a random time between the two bounds, anew after every call. */
const profileFields = z.strictObject({
  minMs: interval,
  maxMs: interval,
  /**
   * A host that has not answered for so long is offline, whatever retries are left. Null: it is offline when all
   * retries have failed.
   */
  offlineAfterMs: z.int().min(2000).max(DAY_MS).nullable(),
  /** Applies to hosts that have all of these labels and name no profile themselves; null for none. */
  labels: hostLabels.nullable(),
})

interface Bounds {
  minMs?: number | undefined
  maxMs?: number | undefined
  offlineAfterMs?: number | null | undefined
}

/** Finds impossible bounds of a profile. Returns the faulty fields; bounds that are not given are not judged. */
export function impossibleBounds({
  minMs,
  maxMs,
  offlineAfterMs,
}: Bounds): { field: string; message: string }[] {
  const wrong: { field: string; message: string }[] = []
  if (minMs !== undefined && maxMs !== undefined && minMs > maxMs)
    wrong.push({
      field: 'minMs',
      message: `is ${minMs}, more than maxMs, which is ${maxMs}; choose minMs ≤ maxMs`,
    })
  if (maxMs !== undefined && typeof offlineAfterMs === 'number' && offlineAfterMs <= maxMs)
    wrong.push({
      field: 'offlineAfterMs',
      message: `is ${offlineAfterMs}, not more than maxMs, which is ${maxMs}: a sound host would be called offline between two calls`,
    })
  return wrong
}

const refuseImpossible = (bounds: Bounds, context: z.RefinementCtx) => {
  for (const { field, message } of impossibleBounds(bounds))
    context.addIssue({ code: 'custom', path: [field], message })
}

export const heartbeatProfile = z.strictObject({ name: neverAnId(profileName), ...profileFields.shape })
export type HeartbeatProfile = z.infer<typeof heartbeatProfile>
export const newHeartbeatProfile = heartbeatProfile
  .extend({
    offlineAfterMs: profileFields.shape.offlineAfterMs.default(null),
    labels: profileFields.shape.labels.default(null),
  })
  .superRefine(refuseImpossible)
/** Fields that are left out stay. */
export const heartbeatProfileChange = profileFields.partial().superRefine(refuseImpossible)
export const profileParam = z.strictObject({ profile: profileName })

/** The changes that a host in the fleet accepts. Fields that are left out stay. */
export const hostChange = z.strictObject({
  /** All labels from now on. */
  labels: hostLabels.optional(),
  /** The labels as they were looked at. Where they are others by now, nothing is changed: `host.changed_meanwhile`. */
  ifLabels: hostLabels.optional(),
  /** By name; null to let the labels decide. */
  heartbeatProfile: profileName.nullable().optional(),
  /** True if an agent that stays silent while SSH works is reinstalled automatically. */
  autoReinstall: z.boolean().optional(),
  ...hostReachChange.shape,
})
export type HostChange = z.output<typeof hostChange>

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
  /** There are more ports than are told. */
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
        /** The number of its containers, including those that there was no room for. */
        total: z.int(),
        /** Why the latest look failed; then its containers are those of the last one that did not. */
        failure: plainText(500).nullable(),
      }),
    )
    .max(8),
})
export type HostFacts = z.infer<typeof hostFacts>

const seen = {
  /** When the agent last answered a heartbeat. */
  lastAnswerAt: z.iso.datetime().nullable(),
  /** The round trip of that call. */
  roundTripMs: z.number().min(0).nullable(),
  /** The host's clock minus the server's, in milliseconds; as exact as half the round trip. */
  clockOffsetMs: z.number().nullable(),
  /** True if facts, vitals and clock are as old as `lastAnswerAt`: the agent does not answer, or is not called. */
  areValuesStale: z.boolean(),
}

/** An agent as the roll knows it. */
export const agentView = z.strictObject({
  hostId: uuid,
  host: hostName,
  /** Where SSH and its agent are reached. */
  address: z.string(),
  labels: z.record(z.string(), z.string()),
  state: hostState,
  stateCode: z.string().nullable(),
  stateReason: plainText(2000).nullable(),
  stateSince: z.iso.datetime(),
  version: plainText(64).nullable(),
  ...seen,
  cpuPercent: percent.nullable(),
  memoryPercent: percent.nullable(),
  /** The percentage of the fullest disk. */
  diskPercent: percent.nullable(),
  load: z.number().min(0).nullable(),
  uptimeS: z.number().min(0).nullable(),
  runningCommands: z.int().min(0).nullable(),
  /** The next call, at the latest. */
  nextCallAt: z.iso.datetime().nullable(),
})
export type AgentView = z.infer<typeof agentView>

/** The fields to sort by. Hosts with an unknown value come last in either direction. */
export const agentSort = z.enum([
  'host',
  'state',
  'stateSince',
  'address',
  'version',
  'cpu',
  'memory',
  'disk',
  'lastAnswer',
])
export type AgentSort = z.infer<typeof agentSort>

export const agentQuery = z.strictObject({
  state: hostState.optional(),
  /** Several states, with commas between them. */
  states: z
    .string()
    .max(300)
    .transform((text) => text.split(','))
    .pipe(z.array(hostState).min(1))
    .optional(),
  /** Part of a name, an address, a version or a label, in any case. */
  search: plainText(200).min(1).optional(),
  /** Terms of a label selector, of which all must fit. */
  labels: labelSelector.optional(),
  sort: agentSort.default('host'),
  direction: z.enum(['asc', 'desc']).default('asc'),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  /** How many to pass over. */
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  /** Only hosts whose names sort after this one, for paging by name. */
  after: hostName.optional(),
})
export type AgentQuery = z.output<typeof agentQuery>

export const agentList = z.strictObject({
  agents: z.array(agentView),
  /** The `after` of the next page by name; null when there is none. */
  next: hostName.nullable(),
  /** How many fit in all. */
  total: z.int().min(0),
  /** How many fit search and labels, by state. */
  states: z.partialRecord(hostState, z.int()),
})
export type AgentList = z.infer<typeof agentList>

/** Hosts on one screen. */
export const MAX_SPARKLINES = 200

export const sparklineQuery = z.strictObject({
  /** Ids of hosts, with commas between them. */
  hosts: z
    .string()
    .max(MAX_SPARKLINES * 37)
    .transform((text) => text.split(','))
    .pipe(z.array(uuid).min(1).max(MAX_SPARKLINES)),
})

/** Means of steps of five minutes over the last three hours, oldest first; null where there was no answer. */
export const sparkline = z.strictObject({
  hostId: uuid,
  cpu: z.array(percent.nullable()),
  memory: z.array(percent.nullable()),
})
export type Sparkline = z.infer<typeof sparkline>

export const clusterHealth = z.strictObject({
  /**
   * `healthy`: every host answers and is well. `degraded`: some do not. `critical`: fewer than half do. `empty`: there
   * is no host.
   */
  health: z.enum(['healthy', 'degraded', 'critical', 'empty']),
  total: z.int(),
  healthy: z.int(),
  degraded: z.int(),
  /** Offline, or answering as something else than the agent that was installed. */
  offline: z.int(),
  /** Being installed, upgraded or removed, or not installed yet. */
  other: z.int(),
  /** Healthy ones among all, to one decimal; 100 for an empty fleet. */
  percentage: percent,
  states: z.partialRecord(hostState, z.int()),
})
export type ClusterHealth = z.infer<typeof clusterHealth>

export const hostStatus = z.strictObject({
  host: z.strictObject({ id: uuid, name: hostName }),
  state: hostState,
  stateCode: z.string().nullable(),
  stateReason: plainText(2000).nullable(),
  stateSince: z.iso.datetime(),
  ...seen,
  /** The next call, at the latest. */
  nextCallAt: z.iso.datetime().nullable(),
  /** The bounds in effect, and the profile that they come from. */
  heartbeat: z
    .strictObject({
      profile: profileName,
      minMs: z.int(),
      maxMs: z.int(),
      offlineAfterMs: z.int().nullable(),
    })
    .nullable(),
  autoReinstall: z.boolean(),
  facts: hostFacts.nullable(),
  factsChangedAt: z.iso.datetime().nullable(),
  vitals: hostVitals.nullable(),
})
export type HostStatus = z.infer<typeof hostStatus>

/** A change of a host's state. `from` is null where it was added; `to` is `removed` where it left the fleet. */
export const hostEvent = z.strictObject({
  id: z.int(),
  at: z.iso.datetime(),
  from: hostState.nullable(),
  to: z.union([hostState, z.literal('removed')]),
  code: z.string().nullable(),
  reason: plainText(2000).nullable(),
})
export type HostEvent = z.infer<typeof hostEvent>

export const historyQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  /** Only events before the one with this id, for paging. */
  before: z.coerce.number().int().min(1).optional(),
})

export const sampleQuery = z.strictObject({
  /** `5m`: the last day in steps of five minutes. `1h`: the last week in steps of an hour. */
  resolution: z.enum(['5m', '1h']).default('5m'),
})

/** Means and peaks of one step, in percent. */
export const hostSample = z.strictObject({
  /** When the step begins. */
  at: z.iso.datetime(),
  /** Heartbeats that it sums up. */
  count: z.int(),
  cpuPercent: percent,
  cpuPeakPercent: percent,
  memoryPercent: percent,
  memoryPeakPercent: percent,
  load: z.number().min(0),
  diskPeakPercent: percent,
})
export type HostSample = z.infer<typeof hostSample>
