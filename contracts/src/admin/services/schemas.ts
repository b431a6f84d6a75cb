import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { plainText, uuid } from '../../text.ts'
import { errorCode } from '../error-body.ts'
import { generation, instanceId, MAX_REPLICAS, projectName, serviceName, slot } from './names.ts'
import { instanceHealth, instanceState, serviceState } from './states.ts'

const count = z.int().min(0)
/** A name of at most 200 characters, and a version. */
const MAX_PLAYBOOK_TEXT = 300

/** A host as an instance names it; null for an instance without one. */
const placedHost = z.strictObject({ id: uuid, name: z.string() })

export const instancePort = z.strictObject({
  container: z.string(),
  /** The port in the container. */
  target: z.int().min(1).max(65_535),
  /** The port of the host. */
  published: z.int().min(1).max(65_535),
  protocol: z.enum(['tcp', 'udp']),
  /** The address of the host on which it listens; null for all of them. */
  hostIp: z.string().nullable(),
})
export type InstancePort = z.infer<typeof instancePort>

/** The state that a person wants: `gone` removes its instances, and then the service. */
export const wantedState = z.enum(['running', 'stopped', 'gone'])
export type WantedState = z.infer<typeof wantedState>

export const containerStatus = z.strictObject({
  name: plainText(63),
  state: plainText(32),
  restarts: count,
  exitCode: z.int().nullable(),
  startedAt: z.iso.datetime().nullable(),
})
export type ContainerStatus = z.infer<typeof containerStatus>

export const checkStatus = z.strictObject({
  container: plainText(63),
  kind: plainText(32),
  state: z.enum(['success', 'failed', 'starting']),
  detail: plainText(300).nullable(),
  at: z.iso.datetime().nullable(),
})
export type CheckStatus = z.infer<typeof checkStatus>

export const instanceView = z.strictObject({
  id: instanceId,
  /** For people: `shop/web.2`. */
  name: z.string(),
  serviceId: uuid,
  slot,
  /** Grows with every order for the slot. */
  generation,
  /** The number of the revision that it is to run. */
  revision: z.int().min(1),
  /** The revision that runs there now, as far as is known; null before the first start. */
  runningRevision: z.int().min(1).nullable(),
  host: placedHost.nullable(),
  wanted: wantedState,
  state: instanceState,
  stateSince: z.iso.datetime(),
  health: instanceHealth,
  healthSince: z.iso.datetime(),
  /** Why it is as it is: a code, if there is one, and a sentence. */
  reasonCode: errorCode.nullable(),
  reason: plainText(4000).nullable(),
  ports: z.array(instancePort),
  containers: z.array(containerStatus),
  checks: z.array(checkStatus),
  /** It waits until another slot is done. */
  isHeld: z.boolean(),
  /** The instance that takes its place, on another host; it is not on its way out itself. */
  replacedBy: instanceId.nullable(),
  /** The latest step, whose output is read as that of any command. */
  commandId: uuid.nullable(),
})
export type InstanceView = z.infer<typeof instanceView>

export const serviceView = z.strictObject({
  id: uuid,
  project: projectName,
  name: serviceName,
  wanted: wantedState,
  state: serviceState,
  reason: plainText(4000).nullable(),
  /** Null for one instance on every host that fits. */
  replicas: count.nullable(),
  /** The number of the revision that was last applied. */
  revision: z.int().min(1),
  /** References of its images, one a container. */
  images: z.array(z.string()),
  /** The playbook that makes it, with the version of its collection; null for containers. */
  playbook: plainText(MAX_PLAYBOOK_TEXT).nullable(),
  /** How many of its instances are in which state and health, of those that the caller may see. */
  counts: z.partialRecord(instanceState, count),
  healths: z.partialRecord(instanceHealth, count),
  updatedAt: z.iso.datetime(),
  updatedBy: z.string(),
})
export type ServiceView = z.infer<typeof serviceView>

/** An instance as a list of services shows it: enough for a square. */
export const instanceMark = instanceView.pick({
  id: true,
  slot: true,
  state: true,
  health: true,
  host: true,
  reason: true,
})
export type InstanceMark = z.infer<typeof instanceMark>

/** A service in a list, with its instances by slot. */
export const serviceListed = z.strictObject({
  ...serviceView.shape,
  instances: z.array(instanceMark).max(MAX_REPLICAS),
})
export type ServiceListed = z.infer<typeof serviceListed>

export const serviceDetail = z.strictObject({
  service: serviceView,
  instances: z.array(instanceView),
  /** Names of the secrets that it uses, and the versions that were applied. */
  secrets: z.array(z.strictObject({ name: z.string(), version: z.int().min(1) })),
  /** Volumes by their name on the host, and the hosts that have their data. */
  volumes: z.array(z.strictObject({ name: z.string(), hosts: z.array(z.string()) })),
})
export type ServiceDetail = z.infer<typeof serviceDetail>

/**
 * One field that differs, by its path as in the file: `services.web.image`. Values are shown as text; null for one that is not there.
 * Values of variables are shown only to those who may change services, and of secrets there are names and versions.
 */
export const fieldChange = z.strictObject({
  path: z.string().max(1000),
  before: z.string().max(4000).nullable(),
  after: z.string().max(4000).nullable(),
  /** The values are not shown. */
  isHidden: z.boolean(),
})
export type FieldChange = z.infer<typeof fieldChange>

export const revisionView = z.strictObject({
  number: z.int().min(1),
  /** A hash over the specification, with the digests of images and the versions of secrets. */
  digest: sha256,
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  /** It has run and was healthy on every instance. */
  isProven: z.boolean(),
  /** The plan that it came with; its text can be read there. */
  planId: uuid.nullable(),
  images: z.array(z.strictObject({ container: z.string(), ref: z.string(), digest: z.string().nullable() })),
  /** Compared with the revision before; empty for the first. */
  changes: z.array(fieldChange),
})
export type RevisionView = z.infer<typeof revisionView>

/** A line of the history of an instance, or of the whole service. */
export const serviceEvent = z.strictObject({
  /** Ordered: later events have higher ones. */
  id: z.string(),
  at: z.iso.datetime(),
  kind: z.enum(['applied', 'placed', 'state', 'health', 'operation', 'halted']),
  /** Null for an event of the service. */
  instance: z.strictObject({ id: instanceId, slot, generation, host: z.string().nullable() }).nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  code: z.string().nullable(),
  text: plainText(4000).nullable(),
  by: z.string().nullable(),
})
export type ServiceEventView = z.infer<typeof serviceEvent>

export const servicesQuery = z.strictObject({
  project: projectName.optional(),
  /** Only services whose name contains this, ignoring case. */
  search: z.string().min(1).max(63).optional(),
})

export const serviceEventsQuery = z.strictObject({
  slot: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  /** Only events before the one with this id, for paging. */
  before: z
    .string()
    .regex(/^\d{1,19}$/, 'must be the id of an event')
    .optional(),
})
