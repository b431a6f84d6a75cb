import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { plainText, uuid } from '../../text.ts'
import { errorCode } from '../error-body.ts'
import { instanceHealth, instanceState, serviceState } from './states.ts'

const count = z.int().min(0)

export const projectName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be a project name: lower-case letters, digits, - and _')
const SERVICE_NAME = /^(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
export const serviceName = z.string().regex(SERVICE_NAME, 'must be the name of a service')

/** A service: its id, or `PROJECT/NAME`. A name has a slash, an id has none. */
export const serviceReference = z
  .string()
  .regex(
    /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9][a-z0-9_-]{0,62}\/[A-Za-z0-9][A-Za-z0-9._-]{0,62})$/,
    'must be an id, or PROJECT/NAME',
  )
/** Names the unit and the folder of an instance on its host. */
export const instanceId = z.string().regex(/^[0-9a-f]{8}$/, 'must be 8 lower-case hexadecimal digits')
export const generation = z.int().min(1)
export const slot = z.int().min(1).max(100_000)
export const MAX_REPLICAS = 10_000

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

/** What the service is to be: `gone` removes its instances, and then the service. */
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
  /** Of the specification, with the digests of images and the versions of secrets. */
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

export const PLACEMENT_FILTERS = [
  'state',
  'agent',
  'architecture',
  'engine',
  'selector',
  'constraints',
  'memory',
  'processor',
  'disk',
  'ports',
  'volumes',
  'max_per_host',
  'failures',
] as const
export const placementFilter = z.enum(PLACEMENT_FILTERS)

export const scoredHost = z.strictObject({
  host: z.string(),
  score: z.int(),
  terms: z.strictObject({
    load: z.int(),
    spread: z.int(),
    affinity: z.int(),
    preference: z.int(),
    /** 0 or below: points that it loses for having fallen silent. */
    flaps: z.int(),
  }),
})
export type ScoredHostView = z.infer<typeof scoredHost>

/** Hosts that failed one condition; each counts at the first that it fails. */
export const placementRejection = z.strictObject({
  filter: placementFilter,
  detail: z.string(),
  count,
  /** Up to three of them, with what they have instead. */
  examples: z.array(z.strictObject({ host: z.string(), evidence: z.string().nullable() })),
})
export type PlacementRejection = z.infer<typeof placementRejection>

/** Why a slot goes where it goes, or nowhere. */
export const placementView = z.strictObject({
  slot,
  /** Null where no host fits. */
  host: z.string().nullable(),
  /** It is where it was. */
  isKept: z.boolean(),
  ports: z.array(z.strictObject({ protocol: z.enum(['tcp', 'udp']), port: z.int() })),
  /** How many hosts were looked at. */
  hosts: count,
  rejections: z.array(placementRejection),
  /** The best hosts, the chosen one first. */
  best: z.array(scoredHost),
  /** For an instance without a host: all of it in one sentence. */
  reason: z.string().nullable(),
})
export type PlacementView = z.infer<typeof placementView>

export const instanceWhy = z.strictObject({
  instance: z.string(),
  /** When it was decided; null if there is no record of it. */
  decidedAt: z.iso.datetime().nullable(),
  placement: placementView.nullable(),
  /** Where the slot has been before, the newest first. */
  history: z.array(
    z.strictObject({
      at: z.iso.datetime(),
      generation,
      host: z.string().nullable(),
      score: z.int().nullable(),
    }),
  ),
  /** How the host that was asked about is judged now; null if none was. */
  judgement: z
    .strictObject({
      host: z.string(),
      fits: z.boolean(),
      conditions: z.array(
        z.strictObject({
          filter: placementFilter,
          detail: z.string(),
          passes: z.boolean(),
          evidence: z.string().nullable(),
        }),
      ),
      score: scoredHost,
      /** The score of the host that it is on, judged at the same moment; null where it is on none. */
      current: scoredHost.nullable(),
    })
    .nullable(),
})
export type InstanceWhy = z.infer<typeof instanceWhy>

/** What happened to an instance, or to the whole service. */
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

/** A fault of a file or of its plan, where it stands in the text. */
export const planFault = z.strictObject({
  code: errorCode,
  line: z.int().min(1),
  column: z.int().min(1),
  /** The path of the key, such as `services.web.ports.0`; empty for the whole file. */
  key: z.string(),
  /** Says what is wrong, to be read after the key. */
  reason: z.string(),
  /** Says what to write or do instead. */
  instead: z.string(),
})
export type PlanFault = z.infer<typeof planFault>

/** A key that was read: `taken` as Compose does, or `otherwise`, and then `says` tells how. */
export const planKey = z.strictObject({
  line: z.int().min(1),
  column: z.int().min(1),
  key: z.string(),
  standing: z.enum(['taken', 'otherwise']),
  says: z.string(),
})

/** The most files that a file names, and all their text together. */
export const MAX_PLAN_FILES = 200
export const MAX_PLAN_BYTES = 1024 * 1024

export const newServicePlan = z.strictObject({
  /** Chosen by the caller, so that a request whose answer was lost can be repeated; generated if missing. */
  planId: uuid.optional(),
  /** The Compose file. */
  text: z.string().max(MAX_PLAN_BYTES),
  /** Values for `${NAME}`; they are in no answer and no message. */
  variables: z.record(z.string().max(200), z.string().max(64 * 1024)).default({}),
  /** The env files and configs that the file names, by the path that stands in it. */
  files: z
    .array(z.strictObject({ path: z.string().max(4000), text: z.string().max(MAX_PLAN_BYTES) }))
    .max(MAX_PLAN_FILES)
    .default([]),
  /** In place of the `name` of the file. */
  project: projectName.optional(),
  /** Removes services of the project that are not in the file. */
  prune: z.boolean().default(false),
  /** Volumes of removed services that go too, each by its name on the host; all others stay. */
  removedVolumes: z.array(z.string().min(1).max(255)).max(200).default([]),
})
export type NewServicePlan = z.infer<typeof newServicePlan>
export type NewServicePlanInput = z.input<typeof newServicePlan>

/**
 * `left_behind` is in no file any more; it stays, unless the plan prunes: then it is `removed`.
 */
export const planAction = z.enum(['new', 'changed', 'unchanged', 'left_behind', 'removed'])
export type PlanAction = z.infer<typeof planAction>

export const servicePlanEntry = z.strictObject({
  service: serviceName,
  action: planAction,
  /** Null for one instance on every host that fits. */
  replicas: count.nullable(),
  images: z.array(z.strictObject({ container: z.string(), ref: z.string(), digest: z.string().nullable() })),
  changes: z.array(fieldChange),
  /** Each slot that there will be. */
  placements: z.array(placementView).max(MAX_REPLICAS),
  /** Instances that go, by slot. */
  removedSlots: z.array(z.strictObject({ slot, host: z.string().nullable() })),
  /** Volumes whose data goes, by their name on the host. */
  removedVolumes: z.array(z.string()),
  /** Volumes whose data stays on hosts although nothing uses it. */
  keptVolumes: z.array(z.string()),
})
export type ServicePlanEntry = z.infer<typeof servicePlanEntry>

export const servicePlanView = z.strictObject({
  id: uuid,
  project: projectName,
  /** Over all that the plan would do. It is made anew when it is applied, and refused where this differs. */
  digest: sha256,
  prune: z.boolean(),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  appliedAt: z.iso.datetime().nullable(),
  services: z.array(servicePlanEntry),
  /** Names of services in the order in which they start; those of one step do not wait for each other. */
  order: z.array(z.array(serviceName)),
  /** Things to know that are no faults. */
  notes: z.array(z.string()),
})
export type ServicePlanView = z.infer<typeof servicePlanView>

/** A plan, or every fault that keeps it from being made. */
export const servicePlanAnswer = z.strictObject({
  plan: servicePlanView.nullable(),
  faults: z.array(planFault),
  keys: z.array(planKey),
})
export type ServicePlanAnswer = z.infer<typeof servicePlanAnswer>

/** The file of a plan, for those who may change services: it is what they would send again. */
export const servicePlanText = z.strictObject({
  text: z.string(),
  files: z.array(z.strictObject({ path: z.string(), text: z.string() })),
  /** Names alone. */
  variables: z.array(z.string()),
})
export type ServicePlanText = z.infer<typeof servicePlanText>

export const servicePlanApplied = z.strictObject({
  planId: uuid,
  project: projectName,
  services: z.array(
    z.strictObject({ id: uuid, name: serviceName, action: planAction, revision: z.int().min(1).nullable() }),
  ),
})
export type ServicePlanApplied = z.infer<typeof servicePlanApplied>

export const serviceAction = z.enum(['start', 'stop', 'restart', 'remove'])
export type ServiceAction = z.infer<typeof serviceAction>

/** An operation on a service, or on some of its instances. */
export const newServiceOperation = z
  .strictObject({
    /** Chosen by the caller: the same id again does nothing more. Generated if missing. */
    operationId: uuid.optional(),
    action: serviceAction,
    /** Left out for the whole service. Only a whole service is removed; single slots go by `replicas`. */
    slots: z.array(slot).min(1).max(MAX_REPLICAS).optional(),
    /** Volumes that go with a service that is removed, each by its name on the host; all others stay. */
    removedVolumes: z.array(z.string().min(1).max(255)).max(200).optional(),
  })
  .superRefine(({ action, slots, removedVolumes }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (action === 'remove' && slots !== undefined)
      refuse(
        'slots',
        'must be left out: a service is removed as a whole; have fewer slots by deploy.replicas',
      )
    if (action !== 'remove' && removedVolumes !== undefined)
      refuse('removedVolumes', 'is for the action "remove" only')
  })
export type NewServiceOperation = z.infer<typeof newServiceOperation>

export const serviceOperated = z.strictObject({
  operationId: uuid,
  /** The instances that it is about, by slot. */
  instances: z.array(instanceMark),
})

export const newInstanceLogs = z.strictObject({
  /** Chosen by the caller, as of a run; generated if missing. */
  commandId: uuid.optional(),
  /** Left out for all of its containers. */
  container: serviceName.optional(),
  /** How many of the latest lines. */
  lines: z.int().min(0).max(10_000).default(200),
  since: z.iso.datetime().optional(),
  /** Goes on until it is cancelled. */
  follow: z.boolean().default(false),
})

export const newServiceLogs = newInstanceLogs.omit({ commandId: true }).extend({
  /** One id makes those of all commands: asked again, they are the same. Generated if missing. */
  requestId: uuid.optional(),
  /** Left out for all slots. */
  slots: z.array(slot).min(1).max(100).optional(),
})

export const newInstanceExec = z.strictObject({
  commandId: uuid.optional(),
  /** Left out for the first container that is no job. */
  container: serviceName.optional(),
  argv: z
    .array(z.string().max(32 * 1024))
    .min(1)
    .max(1000),
  tty: z.boolean().default(false),
  columns: z.int().min(1).max(1000).default(80),
  rows: z.int().min(1).max(1000).default(24),
  /** Keeps standard input open. */
  stdin: z.boolean().default(false),
})

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
