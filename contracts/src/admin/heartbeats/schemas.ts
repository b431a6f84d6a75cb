import { z } from 'zod'
import { plainText, uuid } from '../../text.ts'
import { HOST_STATE, type HostState, hostName, hostState, stateShape } from '../hosts/schemas.ts'
import { labelSelector } from '../selector.ts'
import { profileName } from './profiles.ts'
import { hostFacts, hostVitals } from './reports.ts'

/** Tells whether a host's last report is older than its last call. */
export const areValuesStale = (state: HostState): boolean => !HOST_STATE.describe(state).isAnswering

const percent = z.number().min(0).max(100)

const seen = {
  ...stateShape,
  /** When the agent last answered a heartbeat. */
  lastAnswerAt: z.iso.datetime().nullable(),
  /** The round trip of that call. */
  roundTripMs: z.number().min(0).nullable(),
  /** The host's clock minus the server's, in milliseconds; as exact as half the round trip. */
  clockOffsetMs: z.number().nullable(),
  /** True if facts, vitals and clock are as old as `lastAnswerAt`: the agent does not answer, or is not called. */
  areValuesStale: z.boolean(),
  /** The next call, at the latest. */
  nextCallAt: z.iso.datetime().nullable(),
}

/** An agent as the server last saw it. */
export const agentView = z.strictObject({
  hostId: uuid,
  host: hostName,
  /** Where SSH and its agent are reached. */
  address: z.string(),
  labels: z.record(z.string(), z.string()),
  version: plainText(64).nullable(),
  ...seen,
  cpuPercent: percent.nullable(),
  memoryPercent: percent.nullable(),
  /** The percentage of the fullest disk. */
  diskPercent: percent.nullable(),
  load: z.number().min(0).nullable(),
  uptimeS: z.number().min(0).nullable(),
  runningCommands: z.int().min(0).nullable(),
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
  /** Terms of a label selector, which must all match. */
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
  ...seen,
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
