/** Tells whether two lists of label selectors are the same; null is the whole fleet. */
export function isSameScope(one: readonly string[] | null, other: readonly string[] | null): boolean {
  if (one === null || other === null) return one === other
  return (
    one.length === other.length && [...one].sort().every((text, index) => text === [...other].sort()[index])
  )
}

/**
 * Tells whether a service exists for somebody who may see some hosts only: with an instance on one of these, or, where it has none on
 * any host, if it was applied with the same label selectors.
 */
export function isServiceVisible(
  service: { scope: readonly string[] | null },
  instances: readonly { hostId: string | null; isVisible: boolean }[],
  scopeText: readonly string[] | null,
): boolean {
  if (scopeText === null) return true
  if (instances.some(({ isVisible }) => isVisible)) return true
  return isSameScope(service.scope, scopeText)
}

/**
 * Tells whether somebody may read why a whole service is as it is, and why an instance has no host: these texts name hosts of the scope
 * that the service was applied with.
 */
export const mayReadReasons = (
  service: { scope: readonly string[] | null },
  scopeText: readonly string[] | null,
): boolean => scopeText === null || isSameScope(service.scope, scopeText)

/** An instance without a host is seen by whoever sees its service. */
export const isInstanceVisible = ({
  hostId,
  isVisible,
}: {
  hostId: string | null
  isVisible: boolean
}): boolean => hostId === null || isVisible

/** Tells whether somebody may change a whole service: all of its instances have to be on hosts that they may act on. */
export const mayChangeWhole = (
  service: { scope: readonly string[] | null },
  instances: readonly { hostId: string | null; isVisible: boolean }[],
  scopeText: readonly string[] | null,
): boolean =>
  scopeText === null ||
  (isServiceVisible(service, instances, scopeText) && instances.every(isInstanceVisible))
