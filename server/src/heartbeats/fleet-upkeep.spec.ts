import { expect, it } from 'vitest'
import { Metrics } from '../platform/metrics/metrics.ts'
import { FleetUpkeep } from './fleet-upkeep.ts'

it('metrics are told without the database too, and without the figures that only it knows', async () => {
  const metrics = new Metrics()
  let isUp = true
  const fleet = {
    countByState: () => (isUp ? Promise.resolve({ online: 3 }) : Promise.reject(new Error('database away'))),
  }
  const warnings: unknown[] = []
  const log = { warn: (what: unknown) => warnings.push(what) }
  new FleetUpkeep(fleet as never, {} as never, {} as never, metrics, log as never)
  expect(await metrics.text()).toContain('rollcall_agents{state="online"} 3')
  isUp = false
  const text = await metrics.text()
  expect(text).toContain('process_cpu_seconds_total')
  expect(text).not.toContain('rollcall_agents{')
  expect(warnings).toHaveLength(1)
})
