import type { AgentChange, AgentView } from '@rollcall/contracts/admin'

/** Returns the fields in which `now` differs from `before`; null for none, all of them without a `before`. */
export function differenceOf(before: AgentView | undefined, now: AgentView): AgentChange | null {
  if (!before) return now
  const change: Record<string, unknown> = {}
  for (const key of Object.keys(now) as (keyof AgentView)[])
    if (!isSame(before[key], now[key])) change[key] = now[key]
  return Object.keys(change).length === 0 ? null : ({ ...change, hostId: now.hostId } as AgentChange)
}

/** Labels are the only field that is not a plain value. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other))
}
