import { z } from 'zod'
import { plainText } from '../../text.ts'
import { defineStates, type StateDescriptor } from '../states.ts'

/** `asked`: it was let in and begins; what follows, with the same `request`, says how it ended. */
export const AUDIT_OUTCOME = defineStates<StateDescriptor>()({
  asked: { tone: 'faint', sign: '◌', urgency: 3 },
  done: { tone: 'ok', sign: '✓', urgency: 2, isOver: true },
  refused: { tone: 'warn', sign: '✕', urgency: 1, isOver: true, isFailure: true },
  failed: { tone: 'bad', sign: '✕', urgency: 0, isOver: true, isFailure: true },
})
export const auditOutcome = AUDIT_OUTCOME.schema

export const auditEntry = z.strictObject({
  /** Counts up without a gap, from 0, which is written at set-up. */
  seq: z.int().min(0),
  at: z.iso.datetime(),
  /** Null for somebody who is not known. */
  actor: z.strictObject({ kind: z.string(), id: z.string(), name: z.string() }).nullable(),
  /** The address of the caller; empty for actions of the server itself. */
  from: z.string(),
  /** The route's name in the API's description. */
  action: z.string(),
  /** One id for the entries of one request. */
  request: z.string(),
  outcome: auditOutcome,
  /** The code of the error, if there was one. */
  code: z.string().nullable(),
  /** The request's names and numbers, never a secret. */
  detail: z.record(z.string(), z.unknown()),
  /** HMAC-SHA256 in hexadecimal over this entry and the hash of the one before. */
  hash: z.string(),
})
export type AuditEntry = z.infer<typeof auditEntry>

export const auditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  /** Only entries before this one. */
  before: z.coerce.number().int().min(1).optional(),
  actor: plainText(100).min(1).optional(),
  action: plainText(100).min(1).optional(),
  outcome: auditOutcome.optional(),
  /** Part of the detail, in any case: a host, a program. */
  text: plainText(200).min(1).optional(),
})

export const auditVerdict = z.strictObject({
  entries: z.int(),
  isIntact: z.boolean(),
  /** The first entry with which something is wrong. */
  broken: z.strictObject({ seq: z.int(), why: z.string() }).nullable(),
})
export type AuditVerdict = z.infer<typeof auditVerdict>
