import { readFileSync } from 'node:fs'
import { hostFacts, hostVitals } from '@rollcall/contracts/admin'
import { AGENT_METHODS } from '@rollcall/contracts/agent'
import { describe, expect, it } from 'vitest'
import { clockOffset, fullestDisk, percentUsed, toReport } from './report.ts'

const sample = (name: string) => {
  const url = new URL(`../../../../contracts/test/wire/${name}.json`, import.meta.url)
  const { response } = JSON.parse(readFileSync(url, 'utf8'))
  return AGENT_METHODS.get_status.result.parse(response.result)
}

describe('toReport', () => {
  it.each(['get_status', 'get_status.containers'])(
    'a status from the wire becomes a report of the API: %s',
    (name) => {
      const { vitals, facts } = toReport(sample(name))
      expect(hostVitals.parse(vitals)).toEqual(vitals)
      expect(hostFacts.parse(facts)).toEqual(facts)
    },
  )

  it('a moment out of range is reported as unknown', () => {
    const status = sample('get_status.containers')
    const container = status.containers?.[0]
    if (!container) throw new Error('the sample has no container')
    const { facts } = toReport({
      ...status,
      containers: [{ ...container, started_at_ms: Number.MAX_SAFE_INTEGER }],
    })
    expect(facts.containers?.[0]?.startedAt).toBeNull()
    expect(hostFacts.safeParse(facts).success).toBe(true)
  })
})

describe('shares', () => {
  it('used shares stay within 0 and 100, whatever a host reports', () => {
    expect([percentUsed(0, 0), percentUsed(100, 200), percentUsed(100, 0), percentUsed(3, 1)]).toEqual([
      0, 0, 100, 66.7,
    ])
  })

  it('the disk’s share is that of the fullest disk', () => {
    const disk = (availableBytes: number) => ({
      mount: '/',
      filesystem: 'ext4',
      totalBytes: 100,
      availableBytes,
    })
    expect(fullestDisk({ disks: [disk(80), disk(10), disk(50)] })).toBe(90)
    expect(fullestDisk({ disks: [] })).toBe(0)
  })
})

it('a clock that is two seconds ahead is two seconds ahead, however long the way', () => {
  expect(clockOffset(12_050, 10_000, 10_100)).toBe(2000)
})
