const DAY_MS = 86_400_000
/** Debian publishes fixes for Ansible and its libraries about as often. */
const OLD_AFTER_DAYS = 30

/** Returns a warning if the Ansible bundle is old, else null. Pure. */
export function ansibleWarning(madeAt: Date, now: Date): string | null {
  const days = Math.floor((now.getTime() - madeAt.getTime()) / DAY_MS)
  if (days <= OLD_AFTER_DAYS) return null
  return `The Ansible bundle of this server is ${days} days old and lacks the fixes that Debian has published since. Rebuild it with "node scripts/ansible-bundle.mjs --refresh", or install a newer Rollcall.`
}
