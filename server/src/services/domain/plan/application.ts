/** Who applies which plan, and when. */
export interface Application {
  planId: string
  project: string
  /** Label selectors of the hosts that its services may be on; null for all. */
  scope: readonly string[] | null
  by: string
  at: Date
}
