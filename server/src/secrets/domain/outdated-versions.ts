/** The number of versions that are kept although nothing uses them. */
export const MAX_KEPT_VERSIONS = 10

/** Returns the versions to delete: all but the newest and those in use. Pure. */
export function outdatedVersions(versions: readonly number[], used: readonly number[]): number[] {
  const inUse = new Set(used)
  return [...versions]
    .sort((a, b) => b - a)
    .slice(MAX_KEPT_VERSIONS)
    .filter((version) => !inUse.has(version))
}
