import type { Instance, InstanceHost } from '../driven-instance.ts'

export const HOST: InstanceHost = { name: 'app-1', isAnswering: true, isBusy: false }
export const AT = new Date('2026-01-01T00:00:00Z')
export const later = (ms: number, from = AT) => new Date(from.getTime() + ms)

/** Makes an instance that was ordered and for which nothing was done yet. */
export const newInstance = (changes: Partial<Instance> = {}): Instance => ({
  id: '3fa9c1d2',
  serviceId: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  name: 'shop/web.2',
  slot: 2,
  hostId: '16fd2706-8baf-433b-82eb-8c7fada847da',
  generation: 4,
  revisionId: '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
  admittedAt: AT,
  wanted: 'running',
  state: 'preparing',
  health: 'unknown',
  reasonCode: null,
  reason: null,
  preparedGeneration: 0,
  begunGeneration: 0,
  startedGeneration: 0,
  startedRevisionId: null,
  isRestartWanted: false,
  step: null,
  isOnHost: false,
  attempts: 0,
  stepBegunAt: null,
  stepEndedAt: null,
  failures: null,
  ...changes,
})

/** Makes one that was started a moment ago. */
export const startedInstance = (changes: Partial<Instance> = {}): Instance =>
  newInstance({
    state: 'starting',
    preparedGeneration: 4,
    begunGeneration: 4,
    startedGeneration: 4,
    startedRevisionId: '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
    isOnHost: true,
    attempts: 2,
    stepBegunAt: AT,
    stepEndedAt: later(1000),
    ...changes,
  })
