import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { uuid } from '../../text.ts'
import { errorCode } from '../error-body.ts'
import { MAX_REPLICAS, projectName, serviceName, slot } from './names.ts'
import { placementView } from './placements.ts'
import { fieldChange } from './schemas.ts'

const count = z.int().min(0)

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
  /** Takes what the tags of images that hosts pull stand for by now. Without it they stay what the services have. */
  newerImages: z.boolean().default(false),
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
  /** The hosts that would keep its images without an instance, by name. They are no part of the digest. */
  spares: z.array(z.string()).default([]),
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
