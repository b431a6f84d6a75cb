import { z } from 'zod'
import { hostReference } from './hosts/reference.ts'
import { labelSelector } from './selector.ts'

/** The most commands that one run may have. */
export const MAX_HOSTS_PER_RUN = 10_000
const MAX_SELECTORS = 20

/** The hosts of a run: named ones, those whose labels match, or all. */
export const targetShape = {
  /** Names or ids. */
  hosts: z.array(hostReference).min(1).max(MAX_HOSTS_PER_RUN).optional(),
  /** Label selectors such as `env=prod` or `zone in (a,b)`; a host must fit all of them. */
  labels: z.array(labelSelector).min(1).max(MAX_SELECTORS).optional(),
  /** Every host on which an agent is installed. */
  all: z.literal(true, { error: 'must be true or left out' }).optional(),
}

const plainTarget = z.strictObject(targetShape)
export type Target = z.infer<typeof plainTarget>

type Check = (value: Target, context: z.RefinementCtx) => void

const namedWays = (value: Target) =>
  (['hosts', 'labels', 'all'] as const).filter((way) => value[way] !== undefined)

/** For a body that may leave the target to somebody else: at most one of the three ways. */
export const atMostOneTarget: Check = (value, context) => {
  const [, second] = namedWays(value)
  if (second)
    context.addIssue({
      code: 'custom',
      path: [second],
      message: `must not be given together with ${namedWays(value)[0]}: choose one of hosts, labels and all`,
    })
}

export const exactlyOneTarget: Check = (value, context) => {
  if (namedWays(value).length === 0)
    context.addIssue({
      code: 'custom',
      path: ['hosts'],
      message: 'is missing: say where to run, by one of hosts (names), labels (selectors) and all (true)',
    })
  atMostOneTarget(value, context)
}

export const target = plainTarget.superRefine(exactlyOneTarget)

const WRONG_BATCH = `must be a number of hosts from 1 to ${MAX_HOSTS_PER_RUN}, or a share from "1%" to "100%"`

const batch = z.union(
  [
    z.int().min(1, WRONG_BATCH).max(MAX_HOSTS_PER_RUN, WRONG_BATCH),
    z.string().regex(/^([1-9][0-9]?|100)%$/, WRONG_BATCH),
  ],
  { error: WRONG_BATCH },
)

const limitsShape = z.strictObject({
  /** The most hosts at a time. */
  concurrency: z.int().min(1).max(MAX_HOSTS_PER_RUN).optional(),
  /** Hosts in batches of this number or share: a batch starts when the previous one has ended entirely. */
  batch: batch.optional(),
  /** After this many failures no further host is started. Running commands are finished. */
  stopAfterFailures: z.int().min(1).max(MAX_HOSTS_PER_RUN).optional(),
})

/** How a run goes about its hosts. Without limits all begin at once. */
export const runLimits = limitsShape.superRefine(({ concurrency, batch, stopAfterFailures }, context) => {
  if (stopAfterFailures !== undefined && concurrency === undefined && batch === undefined)
    context.addIssue({
      code: 'custom',
      path: ['stopAfterFailures'],
      message:
        'needs concurrency or batch beside it: without them every host begins at once, and there is nothing to stop',
    })
})
export type RunLimits = z.infer<typeof runLimits>
