import { z } from 'zod'
import { plainText, uuid } from '../../text.ts'
import { skippedHost } from '../runs/schemas.ts'
import { defineStates, type StateDescriptor } from '../states.ts'
import { exactlyOneTarget, MAX_HOSTS_PER_RUN, runLimits, targetShape } from '../targets.ts'

const agentVersion = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[0-9A-Za-z.+-]+$/, 'must be a version such as 0.1.0+1a2b3c4d')

/** The order in which hosts are upgraded, and the conditions for continuing. */
export const ringPlan = z.strictObject({
  /** How many hosts the first ring has; one that fails stops the whole upgrade. 0 for no such ring. */
  canary: z.int().min(0).max(1000).default(1),
  /** Hosts of each further ring, or a share of all. */
  batch: runLimits.shape.batch.unwrap().default('25%'),
  /** Milliseconds for which every host of a ring must be well before the next ring begins. */
  gateMs: z.int().min(0).max(86_400_000).default(5000),
  /** After this many failures, after the canary too, no further host is started. */
  stopAfterFailures: z.int().min(1).max(MAX_HOSTS_PER_RUN).default(1),
})
export type RingPlan = z.infer<typeof ringPlan>

export const newUpgrade = z
  .strictObject({
    ...targetShape,
    /** A release that this server has; left out for its own. */
    version: agentVersion.optional(),
    rings: ringPlan.prefault({}),
  })
  .superRefine(exactlyOneTarget)
export type NewUpgrade = z.infer<typeof newUpgrade>
export type NewUpgradeInput = z.input<typeof newUpgrade>

/**
 * - `upgraded`: it runs the new release, confirmed by the server.
 * - `rolled_back`: the new release was tried and the old agent is back.
 * - `refused`: nothing was changed on the host.
 * - `stranded`: no agent answers, and SSH did not help.
 * - `cancelled`: its turn never came.
 */
export const UPGRADE_HOST_STATE = defineStates<StateDescriptor>()({
  waiting: { tone: 'faint', sign: '·', urgency: 4 },
  upgrading: { tone: 'busy', sign: '◌', urgency: 3 },
  upgraded: { tone: 'ok', sign: '✓', urgency: 6, isOver: true },
  rolled_back: { tone: 'warn', sign: '↩', urgency: 1, isOver: true, isFailure: true },
  refused: { tone: 'warn', sign: '✕', urgency: 2, isOver: true, isFailure: true },
  stranded: { tone: 'bad', sign: '?', urgency: 0, isOver: true, isFailure: true },
  cancelled: { tone: 'warn', sign: '■', urgency: 5, isOver: true },
})
export const upgradeHostState = UPGRADE_HOST_STATE.schema
export type UpgradeHostState = z.infer<typeof upgradeHostState>

/** `stopped`: too many hosts were not upgraded. */
export const UPGRADE_STATE = defineStates<StateDescriptor>()({
  running: { tone: 'busy', sign: '▶', urgency: 2 },
  paused: { tone: 'warn', sign: '‖', urgency: 1 },
  done: { tone: 'ok', sign: '✓', urgency: 4, isOver: true },
  stopped: { tone: 'bad', sign: '■', urgency: 0, isOver: true, isFailure: true },
  cancelled: { tone: 'warn', sign: '■', urgency: 3, isOver: true },
})
export const upgradeState = UPGRADE_STATE.schema
export type UpgradeState = z.infer<typeof upgradeState>

export const upgradeHostView = z.strictObject({
  host: z.strictObject({ id: uuid, name: z.string() }),
  ring: z.int().min(0),
  state: upgradeHostState,
  reason: plainText(4000).nullable(),
  /** Its log, as a command's. */
  commandId: uuid.nullable(),
  endedAt: z.iso.datetime().nullable(),
})
export type UpgradeHostView = z.infer<typeof upgradeHostView>

export const upgradeView = z.strictObject({
  id: uuid,
  version: z.string(),
  rings: ringPlan,
  state: upgradeState,
  reason: plainText(4000).nullable(),
  requestedBy: z.string(),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  total: z.int(),
  counts: z.record(upgradeHostState, z.int()),
})
export type UpgradeView = z.infer<typeof upgradeView>

export const upgradeDetail = z.strictObject({ upgrade: upgradeView, hosts: z.array(upgradeHostView) })
export type UpgradeDetail = z.infer<typeof upgradeDetail>

export const upgradePlanView = z.strictObject({
  version: z.string(),
  rings: z.array(z.strictObject({ ring: z.int(), hosts: z.array(z.string()) })),
  /** The hosts that run the release already: it is put in place again. */
  current: z.array(z.string()),
  skipped: z.array(skippedHost),
})
export type UpgradePlanView = z.infer<typeof upgradePlanView>

export const releaseView = z.strictObject({
  version: z.string(),
  architecture: z.enum(['x64', 'arm64']),
  sha256: z.string(),
  /** Built with this server; others were added. */
  isOwn: z.boolean(),
  /** The owner of the key that verifies it; `nobody` if the operator's signature is required and missing or wrong: it is not installed. */
  signedBy: z.enum(['servers', 'operator', 'nobody']),
})
export type ReleaseView = z.infer<typeof releaseView>

/** Public keys, 32 bytes in base64 each. */
export const releaseKeysView = z.strictObject({
  /** The operator's keys (`ROLLCALL_RELEASE_KEYS`). If there are any, no others count. */
  operator: z.array(z.string()),
  /** The servers' own, the newest first. It signs; older ones tell hosts which it is. */
  servers: z.array(z.strictObject({ key: z.string(), createdAt: z.iso.datetime() })),
})
export type ReleaseKeysView = z.infer<typeof releaseKeysView>
