/**
 * - `doubled`: a slot ran twice at one time. `lost`: a slot has no instance, or none that runs, and nothing says why.
 * - `untrue`: the server says something else than the host does. `stray`: a host has what no server knows there.
 */
export interface Violation {
  kind: 'doubled' | 'lost' | 'untrue' | 'stray'
  /** The id of the instance that it is about; null for none. */
  instance: string | null
  text: string
}
