import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { auditEntry, auditQuery, auditVerdict } from './schemas.ts'

/** Who did what. */
export const AUDIT_ROUTES = {
  listAudit: defineRoute({
    method: 'GET',
    path: '/api/audit',
    summary:
      'Who did what, newest first, at most a megabyte: `before` is where to go on, null at the end. A detail of more than 8 KiB is only in the export.',
    access: 'audit:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    query: auditQuery,
    response: z.strictObject({ entries: z.array(auditEntry), before: z.int().nullable() }),
  }),
  verifyAudit: defineRoute({
    method: 'GET',
    path: '/api/audit/verify',
    summary: 'Reads the whole audit log and says whether an entry was edited, removed or put in.',
    access: 'audit:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    response: auditVerdict,
  }),
  exportAudit: defineRoute({
    method: 'GET',
    path: '/api/audit/export',
    summary:
      'Entries as JSON lines, oldest first, at most a megabyte; ask again after the last one until none comes.',
    access: 'audit:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    query: z.strictObject({
      /** The number of the last entry that is there already; -1 for none. */
      after: z.coerce.number().int().min(-1).default(-1),
      limit: z.coerce.number().int().min(1).max(5000).default(5000),
    }),
    produces: 'application/x-ndjson',
    response: z.string(),
  }),
} as const
