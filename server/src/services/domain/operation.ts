import type { ServiceAction } from '@rollcall/contracts/admin'

/** An operation that somebody asked for, on all instances of a service or on some. */
export interface Operation {
  id: string
  serviceId: string
  action: Exclude<ServiceAction, 'remove'>
  isWhole: boolean
  instanceIds: readonly string[]
  by: string
  at: Date
}
