import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { auditEntry, auditQuery, auditVerdict } from './schemas.ts'

/** Who did what. */
export const AUDIT_ROUTES = {
  listAudit: defineRoute({
    method: 'GET',
    path: '/api/audit',
    summary: 'Who did what, newest first.',
    access: 'audit:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    query: auditQuery,
    response: z.strictObject({ entries: z.array(auditEntry) }),
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
    summary: 'Entries as JSON lines, oldest first; ask again after the last one until none comes.',
    access: 'audit:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    query: z.strictObject({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(5000).default(5000),
    }),
    response: z.string(),
  }),
} as const
