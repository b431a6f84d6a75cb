/** Where something is written; both count from 1. */
export interface Place {
  line: number
  column: number
}

export interface Scalar {
  kind: 'scalar'
  place: Place
  type: 'null' | 'boolean' | 'number' | 'text'
  /** The value as a text, before variables are put in. A number as it was written, since 0022 and 22 differ to people. */
  text: string
}

export interface List {
  kind: 'list'
  place: Place
  items: readonly Node[]
}

export interface Entry {
  key: string
  place: Place
  value: Node
}

export interface Mapping {
  kind: 'map'
  place: Place
  /** Merge keys are resolved, and every key is there once. */
  entries: readonly Entry[]
}

export type Node = Scalar | List | Mapping

export const isNull = (node: Node): boolean => node.kind === 'scalar' && node.type === 'null'
