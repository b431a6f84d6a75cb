import type { InstanceReport } from '@rollcall/contracts/agent'
import { describe, expect, it } from 'vitest'
import { readReport, SILENT_AFTER_MS, toUnreportable } from './read-report.ts'

type Reported = InstanceReport['instances'][number]

const reported = (instance: string, changes: Partial<Reported> = {}): Reported => ({
  instance,
  generation: 4,
  revision: 'a'.repeat(64),
  state: 'running',
  health: 'success',
  since_ms: 1,
  reason: null,
  containers: [],
  checks: [],
  ...changes,
})
const report = (...instances: Reported[]): InstanceReport => ({
  format: 1,
  boot_id: '16fd2706-8baf-433b-82eb-8c7fada847da',
  at_ms: 1,
  digest: 'ab',
  instances,
})

describe('what a host reports of its instances', () => {
  it('an instance is as its host says, with its containers and checks', () => {
    const container = {
      name: 'web',
      state: 'running',
      restarts: 2,
      exit_code: null,
      started_at_ms: Date.parse('2026-01-01T00:00:00Z'),
      pid: 4,
    } as const
    const check = { container: 'web', kind: 'http', state: 'failed', detail: '503', at_ms: 0 } as const
    const { instances, strangers } = readReport(
      report(
        reported('3fa9c1d2', { health: 'failed', reason: '503', containers: [container], checks: [check] }),
      ),
      ['3fa9c1d2'],
    )
    expect(strangers).toEqual([])
    expect(instances.get('3fa9c1d2')).toEqual({
      report: {
        kind: 'reported',
        sinceMs: 1,
        generation: 4,
        state: 'running',
        health: 'failed',
        reason: '503',
      },
      containers: [
        { name: 'web', state: 'running', restarts: 2, exitCode: null, startedAt: '2026-01-01T00:00:00.000Z' },
      ],
      checks: [
        { container: 'web', kind: 'http', state: 'failed', detail: '503', at: '1970-01-01T00:00:00.000Z' },
      ],
    })
  })

  it('an instance that the servers have there and the host does not report is absent', () => {
    expect(readReport(report(), ['3fa9c1d2']).instances.get('3fa9c1d2')?.report).toEqual({ kind: 'absent' })
  })

  it('a host that reports instances of other hosts changes nothing of them, and is told by a few names', () => {
    const foreign = Array.from({ length: 400 }, (_, index) => reported(index.toString(16).padStart(8, '0')))
    const { instances, strangers } = readReport(report(...foreign, reported('3fa9c1d2')), ['3fa9c1d2'])
    expect([...instances.keys()]).toEqual(['3fa9c1d2'])
    expect(strangers).toHaveLength(5)
  })

  it('the first of two contradictory words about one instance counts', () => {
    const twice = report(reported('3fa9c1d2'), reported('3fa9c1d2', { state: 'failed' }))
    expect(readReport(twice, ['3fa9c1d2']).instances.get('3fa9c1d2')?.report).toMatchObject({
      state: 'running',
    })
  })

  it('a time beyond any calendar is none', () => {
    const check = { container: 'web', kind: 'tcp', state: 'success', detail: null, at_ms: 8.9e15 } as const
    const { instances } = readReport(report(reported('3fa9c1d2', { checks: [check] })), ['3fa9c1d2'])
    expect(instances.get('3fa9c1d2')?.checks[0]?.at).toBeNull()
  })

  it('a report that cannot be read, or that a silent warden left behind, is not relied on', () => {
    expect(toUnreportable({ failure: null, age_ms: 30_000 })).toBeNull()
    expect(toUnreportable({ failure: null, age_ms: null })).toBeNull()
    expect(toUnreportable({ failure: 'it is no JSON', age_ms: 0 })).toMatchObject({
      reason: expect.stringContaining('it is no JSON'),
    })
    expect(toUnreportable({ failure: null, age_ms: SILENT_AFTER_MS })).toMatchObject({
      reason: expect.stringContaining('silent for 2 minutes'),
    })
  })
})
