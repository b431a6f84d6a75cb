import { setTimeout as delay } from 'node:timers/promises'
import { INSTANCE_STATE } from '@rollcall/contracts/admin'
import { ApiError } from '@rollcall/contracts/client'
import type { Api } from '../../fleet/api.ts'
import { insist } from '../strike.ts'
import type { DesiredService } from './desired-fleet.ts'
import { judgeServices, type ShownService } from './judge-fleet.ts'

const PAUSE_MS = 1000
/** Services that do not move for so long do not move by themselves. */
const REST_MS = 45_000
const WAITING: ReadonlySet<string> = new Set(['unplaced', 'interrupted'])

/** Lists all services with their instances. */
export async function listServices(api: Api): Promise<ShownService[]> {
  const { services } = await api.call('listServices', { query: {} })
  const details = services.map(({ id }) =>
    api.call('showService', { params: { service: id } }).catch((error) => {
      // It has gone since it was listed.
      if (error instanceof ApiError && error.code === 'service.not_found') return null
      throw error
    }),
  )
  return (await Promise.all(details)).filter((detail) => detail !== null)
}

/** Waits until services are as they are to be, or do not move any more. Returns how they are. */
export async function settle(
  api: Api,
  desired: readonly DesiredService[],
  timeoutMs: number,
): Promise<ShownService[]> {
  const deadline = performance.now() + timeoutMs
  let restsSince: number | null = null
  for (;;) {
    const shown = await insist(() => listServices(api))
    const now = performance.now()
    if (judgeServices(desired, shown).length === 0 || now > deadline) return shown
    restsSince = shown.some(isMoving) ? null : (restsSince ?? now)
    if (restsSince !== null && now - restsSince > REST_MS) return shown
    await delay(PAUSE_MS)
  }
}

function isMoving({ service, instances }: ShownService): boolean {
  if (service.state === 'deploying' || service.state === 'removing') return true
  // A slot is placed, and a silent host heard, without a person.
  return instances.some(({ state }) => WAITING.has(state) || INSTANCE_STATE.describe(state).isBusy)
}
