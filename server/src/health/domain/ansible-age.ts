const DAY_MS = 86_400_000
/** Debian mends Ansible and Python's libraries about as often. */
const OLD_AFTER_DAYS = 30

/** Says that the Ansible which this server brings to hosts is old, and what to do; null while it is not. */
export function ansibleWarning(madeAt: Date, now: Date): string | null {
  const days = Math.floor((now.getTime() - madeAt.getTime()) / DAY_MS)
  if (days <= OLD_AFTER_DAYS) return null
  return `The Ansible that this server brings to hosts was made ${days} days ago and lacks what Debian has mended since. Make it anew with "node scripts/ansible-bundle.mjs --refresh", or install a newer Rollcall.`
}
