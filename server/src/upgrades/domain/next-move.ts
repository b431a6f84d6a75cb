import { type RingPlan, UPGRADE_HOST_STATE, type UpgradeHostState } from '@rollcall/contracts/admin'

/** How long the health gate waits for a host that was upgraded and is not well, beyond the gate's own time. */
export const MAX_GATE_WAIT_MS = 120_000

export interface RingHost {
  id: string
  name: string
  ring: number
  state: UpgradeHostState
  endedAt: Date | null
  /** By its heartbeats; true for a host that left the fleet. */
  isWell: boolean
}

/** An upgrade as it is at one moment. */
export interface UpgradeView {
  state: 'running' | 'paused' | 'cancelling'
  rings: RingPlan
  /** In the order in which their turn comes. */
  hosts: readonly RingHost[]
}

export type Move =
  | { do: 'wait' }
  /** It is the turn of these. */
  | { do: 'begin'; ids: string[] }
  /** Nothing is under way and nothing further begins. */
  | { do: 'end'; state: 'done' | 'stopped' | 'cancelled'; reason: string | null }

const FAILED: ReadonlySet<UpgradeHostState> = new Set(UPGRADE_HOST_STATE.that('isFailure'))

/** Decides the next step of an upgrade. Pure. Any server may ask, as often as it likes, until the upgrade has ended. */
export function nextMove(view: UpgradeView, now: Date): Move {
  const { hosts, rings, state } = view
  const isBusy = hosts.some((host) => host.state === 'upgrading')
  const waiting = hosts.filter((host) => host.state === 'waiting')
  const end = (how: 'done' | 'stopped' | 'cancelled', reason: string | null = null): Move =>
    isBusy ? { do: 'wait' } : { do: 'end', state: how, reason }
  if (state === 'cancelling') return end('cancelled')
  const fault = faultOf(view, now)
  if (fault !== null && waiting.length > 0) return end('stopped', fault)
  const [first] = waiting
  if (!first) return end('done')
  if (state === 'paused') return { do: 'wait' }
  const earlier = hosts.filter((host) => host.ring < first.ring)
  if (earlier.some((host) => host.state === 'upgrading')) return { do: 'wait' }
  if (earlier.length > 0 && !isGateOpen(earlier, rings.gateMs, now)) return { do: 'wait' }
  return { do: 'begin', ids: waiting.filter((host) => host.ring === first.ring).map((host) => host.id) }
}

/** Returns why no further host begins; null for no reason. */
function faultOf({ hosts, rings }: UpgradeView, now: Date): string | null {
  const bad = hosts.filter((host) => FAILED.has(host.state))
  const hasCanary = rings.canary > 0
  const canary = bad.find((host) => hasCanary && host.ring === 0)
  if (canary) return `The canary ${canary.name} was not upgraded, so that no other host was touched.`
  const unwell = hosts.find((host) => isUnwell(host, rings.gateMs, now))
  if (unwell)
    return `${unwell.name} was upgraded and is not well since, so that no further host was touched. See its state.`
  if (bad.length >= rings.stopAfterFailures)
    return `${bad.length} of the hosts were not upgraded: ${names(bad)}. No further host was touched.`
  return null
}

const isUnwell = ({ state, endedAt, isWell }: RingHost, gateMs: number, now: Date) =>
  state === 'upgraded' &&
  !isWell &&
  endedAt !== null &&
  now.getTime() - endedAt.getTime() > gateMs + MAX_GATE_WAIT_MS

function isGateOpen(earlier: readonly RingHost[], gateMs: number, now: Date): boolean {
  const ends = earlier.map(({ endedAt }) => endedAt?.getTime() ?? 0)
  const isLongEnough = now.getTime() - Math.max(...ends) >= gateMs
  return isLongEnough && earlier.every((host) => host.state !== 'upgraded' || host.isWell)
}

const names = (hosts: readonly RingHost[]) =>
  hosts
    .slice(0, 5)
    .map(({ name }) => name)
    .join(', ')
