import type { HostSample } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { sparkline, toCells } from './sparkline.ts'

const STEP_MS = 300_000
const sample = (place: number, cpuPercent: number, count = 10): HostSample => ({
  at: new Date(Date.parse('2026-03-01T00:00:00Z') + place * STEP_MS).toISOString(),
  count,
  cpuPercent,
  cpuPeakPercent: cpuPercent,
  memoryPercent: 50,
  memoryPeakPercent: 50,
  load: cpuPercent / 100,
  diskPeakPercent: 10,
})
const cpuOf = (samples: HostSample[], columns: number) =>
  toCells(samples, STEP_MS, columns).cells.map((cell) => cell?.cpuPercent ?? null)

describe('toCells', () => {
  it('every sample has a place if there is room', () => {
    expect(cpuOf([sample(0, 10), sample(1, 20), sample(2, 30)], 10)).toEqual([10, 20, 30])
  })

  it('a gap between samples stays a gap', () => {
    expect(cpuOf([sample(0, 10), sample(3, 20)], 10)).toEqual([10, null, null, 20])
  })

  it('cells fit the columns, and samples are weighted by their heartbeats', () => {
    expect(cpuOf([sample(0, 10, 30), sample(1, 50, 10), sample(2, 30)], 2)).toEqual([20, 30])
    const day = Array.from({ length: 288 }, (_, place) => sample(place, 1))
    for (const columns of [1, 7, 60, 287, 288, 1000])
      expect(cpuOf(day, columns).length).toBeLessThanOrEqual(columns)
    expect(toCells(day, STEP_MS, 72)).toMatchObject({ cellMs: 4 * STEP_MS })
  })

  it('no samples make no cells', () => {
    expect(toCells([], STEP_MS, 10).cells).toEqual([])
  })
})

describe('sparkline', () => {
  it('a sparkline goes from empty to full, with gaps, and never above the top', () => {
    expect(sparkline([0, 50, 99, 100, 1000, null, 12.5], 100)).toBe('▁▅███ ▂')
    expect(sparkline([0, 0], 0)).toBe('▁▁')
  })
})
