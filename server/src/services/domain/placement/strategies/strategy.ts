import type { PlacementContext } from '../context.ts'
import type { PlacementRequest } from '../view.ts'

/** Hosts that get the same points beyond their own, and lose them together. */
export interface HostGroups {
  size: number
  /** The group of each host. */
  groupOf: Int32Array
  points(group: number): number
  /** Counts one more slot in the group of a host. */
  take(at: number): void
}

/** Scores hosts for one request. */
export interface Scorer {
  /** Returns a host's own points: a whole number from 0 to the range, which never rises as slots are taken. */
  points(at: number): number
  /** With the points of its group a host has at most the range. Only `spread` has groups. */
  groups?: HostGroups
}

/** Makes the scorer of one term of the score. */
export type Strategy = (request: PlacementRequest, context: PlacementContext, range: number) => Scorer
