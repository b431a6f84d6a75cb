import { z } from 'zod'
import { uuid } from '../../text.ts'
import { commandView, outputChunk } from '../commands/schemas.ts'
import { agentView } from '../heartbeats/schemas.ts'
import { hostState } from '../hosts/schemas.ts'
import { runCommand, runCounts, runView } from '../runs/schemas.ts'
import { instanceId } from '../services/names.ts'
import { instanceMark, instanceView, serviceView } from '../services/schemas.ts'
import { transferHost, transferView } from '../transfers/schemas.ts'

/** Changed commands that one event carries at most; more follow in further ones. */
export const RUN_EVENT_COMMANDS = 500

/** Hosts of a transfer that one event carries at most; more follow in further ones. */
export const TRANSFER_EVENT_HOSTS = 500

/** Services, marks and whole instances that one event carries at most; more follow in further ones. */
export const SERVICES_EVENT_SERVICES = 500
export const SERVICES_EVENT_MARKS = 500
export const SERVICES_EVENT_INSTANCES = 100

/** The most single hosts that one connection watches; beyond that it has to watch the whole fleet. */
export const WATCHED_HOSTS = 500

/** The least lag, in bytes of output, after which a viewer can ask to be taken on. */
export const MIN_LAG_BYTES = 64 * 1024

/** The messages of a client on `/ws`, one JSON object each. */
export const liveRequest = z.discriminatedUnion('type', [
  /**
   * Sends the output from `offset` on, and every change of the command's state. Sent again, it starts anew from there. Whoever
   * is more than `maxLagBytes` behind is taken on to the newest output: then the next event has a higher offset.
   */
  z.strictObject({
    type: z.literal('follow'),
    commandId: uuid,
    offset: z.int().min(0).default(0),
    maxLagBytes: z.int().min(MIN_LAG_BYTES).optional(),
  }),
  z.strictObject({ type: z.literal('unfollow'), commandId: uuid }),
  /**
   * Sends all agents, or those of `hostIds`, and from then on what changes of them. With `since`, the cursor of an event
   * that asked for the same, only what has changed from there, where the server still knows. Sent again, it starts anew.
   */
  z.strictObject({
    type: z.literal('watch-fleet'),
    hostIds: z.array(uuid).max(WATCHED_HOSTS).optional(),
    since: z.string().max(64).optional(),
  }),
  z.strictObject({ type: z.literal('unwatch-fleet') }),
  /** Follows a run: counts and changed commands, at most a few times a second, without output. Sent again, it starts over. */
  z.strictObject({ type: z.literal('follow-run'), runId: uuid }),
  z.strictObject({ type: z.literal('unfollow-run'), runId: uuid }),
  /** Follows a transfer on its hosts, at most a few times a second. Sent again, it starts over. */
  z.strictObject({ type: z.literal('follow-transfer'), transferId: uuid }),
  z.strictObject({ type: z.literal('unfollow-transfer'), transferId: uuid }),
  /**
   * Sends all services with their instances as marks, or the one of `serviceId` with whole instances, and from then on what changes,
   * at most four times a second. A connection has one such watch. Sent again, it starts anew.
   */
  z.strictObject({ type: z.literal('watch-services'), serviceId: uuid.optional() }),
  z.strictObject({ type: z.literal('unwatch-services') }),
])
export type LiveRequest = z.infer<typeof liveRequest>

/** An agent's id and whatever of it is new. */
export const agentChange = agentView.partial().required({ hostId: true })
export type AgentChange = z.infer<typeof agentChange>

/** The progress of a transfer on one host; its changes are read at the end. */
export const transferProgress = transferHost.omit({ changes: true })
export type TransferProgress = z.infer<typeof transferProgress>

/** An instance of one of many services, as a list shows it. */
export const watchedMark = z.strictObject({ ...instanceMark.shape, serviceId: uuid })
export type WatchedMark = z.infer<typeof watchedMark>

/** The messages of the server on `/ws`. Output comes in order, each byte once unless it was skipped; after a reconnection follow again from your own offset. */
export const liveEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('output'), commandId: uuid, ...outputChunk.shape }),
  z.strictObject({ type: z.literal('command'), command: commandView }),
  /** The command has ended and all its output was sent before this. */
  z.strictObject({ type: z.literal('end'), command: commandView }),
  /**
   * With `isSnapshot`: whole agents, as many messages as it takes, the last one with `isComplete`. After that only the
   * fields that changed, and the ids of hosts that left the fleet. `states` counts all hosts in the viewer's scope, watched
   * one by one or not, whenever that has changed.
   */
  z.strictObject({
    type: z.literal('fleet'),
    isSnapshot: z.boolean(),
    isComplete: z.boolean(),
    agents: z.array(agentChange),
    removed: z.array(uuid),
    states: z.partialRecord(hostState, z.int()).optional(),
    /** Where this viewer is now, for `since`. */
    cursor: z.string(),
  }),
  /** `commands` are those whose state has changed since the last such event; the first has all that are not pending. */
  z.strictObject({
    type: z.literal('run'),
    runId: uuid,
    counts: runCounts,
    commands: z.array(runCommand).max(RUN_EVENT_COMMANDS),
  }),
  /** Every command of the run has ended, and all were sent before this. */
  z.strictObject({ type: z.literal('run-end'), run: runView }),
  /** `hosts` are those that have changed since the last such event; the first has all. */
  z.strictObject({
    type: z.literal('transfer'),
    transfer: transferView,
    hosts: z.array(transferProgress).max(TRANSFER_EVENT_HOSTS),
  }),
  /** The transfer has ended on every host, and all was sent before this. */
  z.strictObject({ type: z.literal('transfer-end'), transfer: transferView }),
  /**
   * With `isSnapshot`: all that is watched, in as many messages as it takes, the last one with `isComplete`. After that the services,
   * and the instances, of which anything has changed, each whole, and the ids of those that are not there for this viewer any more.
   */
  z.strictObject({
    type: z.literal('services'),
    /** As it was asked for; null for all services. */
    serviceId: uuid.nullable(),
    isSnapshot: z.boolean(),
    isComplete: z.boolean(),
    services: z.array(serviceView).max(SERVICES_EVENT_SERVICES),
    /** Instances of all services. */
    marks: z.array(watchedMark).max(SERVICES_EVENT_MARKS),
    /** Instances of the one service. */
    instances: z.array(instanceView).max(SERVICES_EVENT_INSTANCES),
    removedServices: z.array(uuid),
    removedInstances: z.array(instanceId),
  }),
  z.strictObject({
    type: z.literal('error'),
    commandId: uuid.nullable(),
    /** The run that was to be followed, where it is about one. */
    runId: uuid.optional(),
    /** The transfer that was to be followed, where it is about one. */
    transferId: uuid.optional(),
    code: z.string(),
    message: z.string(),
  }),
])
export type LiveEvent = z.infer<typeof liveEvent>
