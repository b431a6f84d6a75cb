import { z } from 'zod'
import { generation, slot } from './names.ts'

const count = z.int().min(0)

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
  'instances',
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
  /** Where it is, it is stopped and runs again, as the file says now. */
  isReplaced: z.boolean().default(false),
  /** The host that it leaves; null for one that is new or stays. */
  from: z.string().nullable(),
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
