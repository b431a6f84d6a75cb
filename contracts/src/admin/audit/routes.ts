import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { auditEntry, auditQuery, auditVerdict } from './schemas.ts'

/** Who did what. */
export const AUDIT_ROUTES = {
  listAudit: defineRoute('GET', '/api/audit', {
    summary:
      'Lists what was done by whom, newest first, at most a megabyte. Continue with `before`; null at the end. Details of more than 8 KiB are in the export only.',
    access: 'audit:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    query: auditQuery,
    response: z.strictObject({ entries: z.array(auditEntry), before: z.int().nullable() }),
  }),
  verifyAudit: defineRoute('GET', '/api/audit/verify', {
    summary: 'Checks the whole audit log for entries that were changed, removed or inserted.',
    access: 'audit:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    response: auditVerdict,
  }),
  exportAudit: defineRoute('GET', '/api/audit/export', {
    summary:
      'Exports entries as JSON lines, oldest first, at most a megabyte. Repeat after the last one until none is left.',
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
