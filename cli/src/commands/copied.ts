/** What became of a file or a folder of one host. */
export interface Copied {
  host: string
  state: 'success' | 'failed'
  file: string | null
  bytes: number | null
  /** Of a folder: files that were fetched, and that were here already. */
  fetched?: number
  unchanged?: number
  reason: string | null
}
