/** The outcome for one host. */
export interface Copied {
  host: string
  state: 'success' | 'failed'
  file: string | null
  bytes: number | null
  /** For a folder: files that were fetched, and files that were here already. */
  fetched?: number
  unchanged?: number
  reason: string | null
}
