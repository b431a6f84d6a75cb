import type { ServiceRevision } from './service.ts'

/** A revision with its origin. */
export interface RevisionRecord extends ServiceRevision {
  planId: string | null
  createdAt: Date
  createdBy: string
}
