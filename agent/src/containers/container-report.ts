import { container, containerEngine, containerEngineName, MAX_CONTAINERS } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { order } from './container-order.ts'
import type { Found } from './engine-questions.ts'

/**
 * What the runner has found out about containers, in a file of the runtime folder. Unknown fields are passed over, so that an
 * agent that was rolled back reads what a later runner has written.
 */
const engineReport = z.object({
  ...containerEngine.shape,
  containers: z.array(z.object(container.shape)).max(MAX_CONTAINERS),
})
export type EngineReport = z.infer<typeof engineReport>

export const containerReport = z.object({
  /** How long all engines took together. */
  took_ms: z.number().min(0),
  engines: z.array(engineReport).max(containerEngineName.options.length),
})
export type ContainerReport = z.infer<typeof containerReport>

/** Bytes of the file that the agent reads at most: what all engines may print, and half as much again. */
export const MAX_REPORT_BYTES = 3 * 1024 * 1024

/** One look at one engine: its containers, or why there is no saying. */
export type Look = Found | { failure: string }

/** A look that failed leaves what the one before it has seen, with its time and the reason. */
export function toReport(
  name: EngineReport['name'],
  look: Look,
  before: EngineReport | undefined,
  nowMs: number,
): EngineReport {
  if ('failure' in look) {
    const last = before ?? { name, observed_at_ms: null, total: 0, containers: [] }
    return { ...last, failure: look.failure }
  }
  const containers = order(look.containers).slice(0, MAX_CONTAINERS)
  return { name, observed_at_ms: nowMs, total: look.total, failure: null, containers }
}
