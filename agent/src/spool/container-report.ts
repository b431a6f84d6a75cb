import {
  type Container,
  container,
  containerEngine,
  containerEngineName,
  MAX_CONTAINERS,
} from '@rollcall/contracts/agent'
import { z } from 'zod'
import { compare } from '../platform/compare.ts'

// Unknown fields are ignored, so that an agent that was rolled back can read the report of a newer runner.
const engineReport = z.object({
  ...containerEngine.shape,
  containers: z.array(z.object(container.shape)).max(MAX_CONTAINERS),
})
export type EngineReport = z.infer<typeof engineReport>

/** The file in the runtime folder in which the runner reports the host's containers to the agent. */
export const containerReport = z.object({
  /** How long the queries of all engines took together. */
  took_ms: z.number().min(0),
  engines: z.array(engineReport).max(containerEngineName.options.length),
})
export type ContainerReport = z.infer<typeof containerReport>

/** Largest report that the agent reads, in bytes: the output limit of all engines, and half as much again. */
export const MAX_REPORT_BYTES = 3 * 1024 * 1024

/** The result of scanning one engine: its containers (all, or the first of `total`), or why there are none. */
export type EngineScan = { containers: Container[]; total: number } | { failure: string }

/** Builds an engine's report. After a failed scan the previous containers stay, with their time and the reason. */
export function toReport(
  name: EngineReport['name'],
  scan: EngineScan,
  previous: EngineReport | undefined,
  nowMs: number,
): EngineReport {
  if ('failure' in scan) {
    const last = previous ?? { name, observed_at_ms: null, total: 0, containers: [] }
    return { ...last, failure: scan.failure }
  }
  const containers = sortContainers(scan.containers).slice(0, MAX_CONTAINERS)
  return { name, observed_at_ms: nowMs, total: scan.total, failure: null, containers }
}

/** Sorts running containers first, then by name and id: truncation drops the least important, and the order is stable. */
export const sortContainers = (containers: readonly Container[]): Container[] =>
  containers.toSorted(
    (a, b) =>
      Number(b.state === 'running') - Number(a.state === 'running') ||
      compare(a.name, b.name) ||
      compare(a.id, b.id),
  )
