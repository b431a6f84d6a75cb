import { z } from 'zod'
import { neverAnId } from '../../text.ts'
import { hostLabels, hostReachChange } from '../hosts/schemas.ts'

const DAY_MS = 86_400_000

export const profileName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be lower-case letters, digits and dashes')

const interval = z
  .int('must be whole milliseconds')
  .min(1000, 'must be at least 1000 milliseconds')
  .max(DAY_MS)

/** How often agents are called: after each call the next one comes at a random time between the two bounds. */
const profileFields = z.strictObject({
  minMs: interval,
  maxMs: interval,
  /**
   * A host that has not answered for this long is offline, even if retries are left. Null: it is offline when all retries
   * have failed.
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
