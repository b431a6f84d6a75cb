import {
  type HostContainer,
  type HostFacts,
  type HostVitals,
  hostContainer,
  hostFacts,
  hostVitals,
} from '@rollcall/contracts/admin'
import type { AgentResult } from '@rollcall/contracts/agent'
import { type CamelCase, pickDeclared, toCamelCase } from './camel-case.ts'

type Status = AgentResult<'get_status'>

/** A host's own report, in the words of the API: what changes from call to call, and what seldom does. */
export interface Report {
  vitals: HostVitals
  facts: HostFacts
}

/** Converts a status. A field that facts or vitals declare by the same name, in camel case, needs no line here. */
export function toReport(status: Status): Report {
  const report = toCamelCase(status)
  const { clock, cpu, memory } = report
  return {
    vitals: {
      ...pickDeclared(report, hostVitals.shape),
      cpuPercent: cpu.usedPercent,
      memoryPercent: percentUsed(memory.totalBytes, memory.availableBytes),
      runningCommands: report.runningCommands.length,
    },
    facts: {
      ...pickDeclared(report, hostFacts.shape),
      cores: cpu.cores,
      timeZone: clock.timeZone,
      areOpenPortsCut: report.openPortsTruncated,
      containers: report.containers?.map(toContainer) ?? null,
      // The time of the last scan is left out: it would make every report a new one.
      containerEngines: report.containerEngines.map(({ name, total, failure }) => ({ name, total, failure })),
    },
  }
}

const toContainer = (container: CamelCase<NonNullable<Status['containers']>[number]>): HostContainer => ({
  ...pickDeclared(container, hostContainer.shape),
  startedAt: toMoment(container.startedAtMs),
  endedAt: toMoment(container.endedAtMs),
  arePortsCut: container.portsTruncated,
})

/** A host may say any number: one that is no date is as good as none. */
function toMoment(epochMs: number | null): string | null {
  if (epochMs === null) return null
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 ? null : date.toISOString()
}

/** 0 to 100, to one decimal. A host that says it has nothing, or more left than it has, has nothing in use. */
export function percentUsed(total: number, available: number): number {
  if (total <= 0) return 0
  return Math.round(Math.min(100, Math.max(0, 100 * (1 - available / total))) * 10) / 10
}

/** Returns the used share of the fullest disk, in percent; 0 without any. */
export const fullestDisk = (vitals: Pick<HostVitals, 'disks'>): number =>
  vitals.disks.reduce((most, disk) => Math.max(most, percentUsed(disk.totalBytes, disk.availableBytes)), 0)

/**
 * The host's clock minus ours in milliseconds, as exact as half the round trip: the agent read its clock somewhere
 * between our question and its answer.
 */
export const clockOffset = (hostMs: number, askedMs: number, answeredMs: number): number =>
  Math.round(hostMs - (askedMs + answeredMs) / 2)
