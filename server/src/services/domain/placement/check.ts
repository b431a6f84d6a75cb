export type FilterName =
  | 'state'
  | 'agent'
  | 'architecture'
  | 'engine'
  | 'selector'
  | 'constraints'
  | 'memory'
  | 'processor'
  | 'disk'
  | 'ports'
  | 'volumes'
  | 'max_per_host'
  | 'instances'
  | 'failures'

/** One condition of a filter. A host that fails it takes no slot. */
export interface Check {
  filter: FilterName
  /** The condition itself, such as `zone in (a,b)`. */
  detail: string
  /** Once true for a host it stays true as slots are taken. */
  fails(at: number): boolean
  /** 1 for each host that passes; only of a check that no slot changes. */
  marks?: Uint8Array
  /** True for what most requests ask alike. Such checks come first. */
  isCommon?: boolean
  /** Returns what a host has, for people; null where it was asked for nothing. */
  evidence?(at: number): string | null
  /** Returns how near a host comes: the nearest are named. Without it, the first by id are. */
  rank?(at: number): number
}
