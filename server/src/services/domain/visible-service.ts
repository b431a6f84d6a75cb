import type { InstanceRecord, ServiceRecord } from './instance.ts'
import { isInstanceVisible, isServiceVisible, mayChangeWhole, mayReadReasons } from './visibility.ts'

/** A service as somebody may see it. */
export interface VisibleService {
  service: ServiceRecord
  /** By slot; those that leave included. */
  instances: InstanceRecord[]
  /** False if instances of it are beyond the caller's hosts. */
  isWhole: boolean
}

/** Returns a service as somebody may see it who is limited to the hosts of some selectors, or to none; null if it does not exist for them. */
export function toVisible(
  service: ServiceRecord,
  instances: readonly InstanceRecord[],
  scopeText: readonly string[] | null,
): VisibleService | null {
  if (!isServiceVisible(service, instances, scopeText)) return null
  const visible = instances.filter(isInstanceVisible)
  const isWhole = mayChangeWhole(service, instances, scopeText)
  if (mayReadReasons(service, scopeText)) return { service, instances: visible, isWhole }
  const silent = visible.map((instance) =>
    instance.hostId === null ? { ...instance, reason: null } : instance,
  )
  return { service: { ...service, reason: null }, instances: silent, isWhole }
}
