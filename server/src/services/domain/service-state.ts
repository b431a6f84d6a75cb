import type { InstanceHealth, InstanceState, ServiceState, WantedState } from '@rollcall/contracts/admin'

interface Instance {
  state: InstanceState
  health: InstanceHealth
  wanted: WantedState
  generation: number
  revision: number
  runningRevision: number | null
}

const BUSY: readonly InstanceState[] = ['preparing', 'starting', 'stopping']

/** Tells how a service is, from the instances that somebody may see. */
export function toServiceState(
  service: { wanted: WantedState; haltedAt: Date | null; revision: number },
  instances: readonly Instance[],
): ServiceState {
  if (service.wanted === 'gone') return 'removing'
  if (service.haltedAt !== null) return 'failed'
  const counted = instances.filter(({ state }) => state !== 'gone')
  const wanted = counted.filter((one) => one.wanted === 'running')
  if (service.wanted === 'stopped' || wanted.length === 0)
    return counted.some(({ state }) => BUSY.includes(state)) ? 'deploying' : 'stopped'
  const good = wanted.filter(isWell)
  const isMoving = wanted.some(
    ({ state, revision, runningRevision }) =>
      BUSY.includes(state) || (runningRevision !== null && runningRevision !== revision),
  )
  if (isMoving) return 'deploying'
  if (good.length === wanted.length) return 'healthy'
  return good.length === 0 && wanted.every(isFailed) ? 'failed' : 'degraded'
}

const isWell = ({ state, health }: Instance): boolean =>
  state === 'finished' || (state === 'running' && health !== 'failed' && health !== 'partial')

const isFailed = ({ state, health }: Instance): boolean =>
  state === 'failed' || state === 'interrupted' || state === 'unplaced' || health === 'failed'
