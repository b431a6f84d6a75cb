import { defineStates, type StateDescriptor } from '../states.ts'

interface InstanceStateDescriptor extends StateDescriptor {
  /** Work is under way that ends in another state by itself. */
  isBusy?: true
  /** It takes up room, ports and volumes of its host. */
  isOnHost?: true
}

/**
 * Looks and words of these tables are their own: a service that is stopped is no fault, an upgrade that is stopped is one.
 * - `unplaced`: no host fits; the placement says why.
 * - `preparing`: its image, files and network come to the host. `starting`: until it runs and its checks pass for the first time.
 * - `finished`: all of its containers are jobs, and they have ended with 0.
 * - `interrupted`: its host is silent, so nothing is known of it.
 * - `held`: it waits for a renewal of its lease.
 * - `gone`: nothing of it is left on the host but volumes.
 */
export const INSTANCE_STATE = defineStates<InstanceStateDescriptor>()({
  unplaced: { tone: 'warn', sign: '?', urgency: 1 },
  preparing: { tone: 'busy', sign: '◌', urgency: 4, isBusy: true, isOnHost: true },
  starting: { tone: 'busy', sign: '◔', urgency: 4, isBusy: true, isOnHost: true },
  running: { tone: 'ok', sign: '●', urgency: 6, isOnHost: true },
  finished: { tone: 'ok', sign: '✓', urgency: 7, isOnHost: true },
  stopping: { tone: 'busy', sign: '◑', urgency: 4, isBusy: true, isOnHost: true },
  stopped: { tone: 'faint', sign: '■', urgency: 8, isOnHost: true },
  gone: { tone: 'faint', sign: '–', urgency: 9, isOver: true },
  interrupted: { tone: 'bad', sign: '○', urgency: 2, isOnHost: true },
  held: { tone: 'warn', sign: '‖', urgency: 3, isOnHost: true },
  failed: { tone: 'bad', sign: '✕', urgency: 0, isOnHost: true, isFailure: true },
})
export const instanceState = INSTANCE_STATE.schema
export type InstanceState = (typeof INSTANCE_STATE.names)[number]

/**
 * - `partial`: a check that is not critical fails. `recovering`: it failed, and its checks pass again, but not often enough yet.
 * - `unknown`: it does not run, or nobody has looked yet.
 */
export const INSTANCE_HEALTH = defineStates<StateDescriptor>()({
  success: { tone: 'ok', sign: '✓', urgency: 4 },
  partial: { tone: 'warn', sign: '▲', urgency: 1 },
  failed: { tone: 'bad', sign: '✕', urgency: 0, isFailure: true },
  recovering: { tone: 'busy', sign: '↻', urgency: 2 },
  unknown: { tone: 'faint', sign: '?', urgency: 3 },
})
export const instanceHealth = INSTANCE_HEALTH.schema
export type InstanceHealth = (typeof INSTANCE_HEALTH.names)[number]

/**
 * - `deploying`: instances are on their way to what was last applied.
 * - `healthy`: each instance is as it should be, and its checks pass. `degraded`: some are not.
 * - `failed`: none is, or a change was stopped because an instance failed.
 * - `removing`: it goes, and its instances with it.
 */
export const SERVICE_STATE = defineStates<StateDescriptor>()({
  deploying: { tone: 'busy', sign: '◌', urgency: 2 },
  healthy: { tone: 'ok', sign: '●', urgency: 4 },
  degraded: { tone: 'warn', sign: '▲', urgency: 1 },
  failed: { tone: 'bad', sign: '✕', urgency: 0, isFailure: true },
  stopped: { tone: 'faint', sign: '■', urgency: 5 },
  removing: { tone: 'busy', sign: '◑', urgency: 3 },
})
export const serviceState = SERVICE_STATE.schema
export type ServiceState = (typeof SERVICE_STATE.names)[number]
