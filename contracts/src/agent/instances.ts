import { z } from 'zod'
import { plainText, uuid } from '../text.ts'
import { MAX_WAIT_MS } from './commands.ts'
import { defineMethod } from './method.ts'

/** Instances in one report. */
export const MAX_INSTANCES = 500
/** Containers of one instance in a report, and checks of one. */
export const MAX_INSTANCE_PARTS = 32
/** The largest report, in bytes of JSON. */
export const MAX_INSTANCE_REPORT_BYTES = 1024 * 1024

/** An instance's id, which names its unit and its folder. */
export const instanceId = z.string().regex(/^[0-9a-f]{8}$/, 'must be eight lower-case hexadecimal digits')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal')
const epochMs = z.int().min(0)
const containerName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be the name of a container')

/** An instance's state on its host, as its units say. `finished` is one of jobs alone, which have all ended with 0. */
export const reportedState = z.enum([
  'prepared',
  'starting',
  'running',
  'stopping',
  'stopped',
  'failed',
  'finished',
  'held',
])
export type ReportedState = z.infer<typeof reportedState>

/**
 * Health of an instance by its checks. `partial`: only checks that are not critical fail. `recovering`: it has failed, and passes
 * again, not yet often enough.
 */
export const instanceHealth = z.enum(['success', 'partial', 'failed', 'recovering', 'unknown'])

export const instanceContainerState = z.enum([
  'starting',
  'running',
  'restarting',
  'stopping',
  'stopped',
  'failed',
  'finished',
  'unknown',
])

export const checkKind = z.enum(['http', 'tcp', 'database', 'command', 'process', 'resources'])
/** `starting`: it has not passed since its container started, and its failures do not count yet. */
export const checkState = z.enum(['starting', 'success', 'failed'])

const instanceContainer = z.object({
  name: containerName,
  state: instanceContainerState,
  /** How often it was started again since its unit was. */
  restarts: z.int().min(0),
  /** The exit code of its latest end; null while it runs and where a signal ended it. */
  exit_code: z.int().min(0).max(255).nullable(),
  started_at_ms: epochMs.nullable(),
  /** Its first process; null while it does not run. */
  pid: z.int().min(1).nullable(),
})

const instanceCheck = z.object({
  container: containerName,
  kind: checkKind,
  state: checkState,
  /** Its latest finding, such as `503`; null where there is nothing to tell. */
  detail: plainText(300).nullable(),
  /** Since when state and detail are these, by the host's clock. */
  at_ms: epochMs,
})

const reportedInstance = z.object({
  instance: instanceId,
  generation: z.int().min(1),
  revision: sha256,
  state: reportedState,
  health: instanceHealth,
  /** Since when state and health are these, by the host's clock. */
  since_ms: epochMs,
  /** Why it is not healthy, such as `web: GET /up answered 503`; null where there is nothing to tell. */
  reason: plainText(300).nullable(),
  containers: z.array(instanceContainer).max(MAX_INSTANCE_PARTS),
  checks: z.array(instanceCheck).max(MAX_INSTANCE_PARTS),
})
export type ReportedInstance = z.infer<typeof reportedInstance>

/** Changes with the instances of a report, and with nothing else; empty where there is no report. */
export const reportDigest = z.string().regex(/^[0-9a-f]{0,64}$/, 'must be hexadecimal')

/**
 * The instances of a host as its warden saw them, which leaves them in a file for the agent. Unknown fields are ignored, so that
 * an agent or server that was rolled back can read the report of a newer warden.
 */
export const instanceReport = z.object({
  format: z.literal(1),
  boot_id: uuid,
  /** When it was written, by the host's clock. */
  at_ms: epochMs,
  digest: reportDigest,
  instances: z.array(reportedInstance).max(MAX_INSTANCES),
})
export type InstanceReport = z.infer<typeof instanceReport>

export const INSTANCE_METHODS = {
  get_instances: defineMethod({
    summary:
      'Reads how the instances of services on the host are. With wait_ms it answers as soon as the digest differs from since_digest.',
    params: z.strictObject({
      /** The digest of the report that the caller has; null if it has none. */
      since_digest: reportDigest.nullable(),
      wait_ms: z.int().min(0).max(MAX_WAIT_MS).default(0),
    }),
    result: z.strictObject({
      digest: reportDigest,
      /**
       * How long ago the report was written, by the host's clock; null without one. The warden writes it at least twice a minute,
       * so a great age means that it is silent.
       */
      age_ms: z.int().min(0).nullable(),
      /** Why the report on the host cannot be read; null where it can, or where there is none. */
      failure: plainText(500).nullable(),
      /** Null if the caller has it, or if it cannot be read. A host without one reports no instances. */
      report: instanceReport.nullable(),
    }),
    reachedBy: [],
    effect: 'read',
  }),
} as const
