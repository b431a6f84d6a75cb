/** Selects entries of the audit log; text fields match substrings. */
export interface AuditFilter {
  limit: number
  before?: number | undefined
  actor?: string | undefined
  action?: string | undefined
  outcome?: string | undefined
  text?: string | undefined
}
