import { expect, it } from 'vitest'
import { Metrics } from './metrics.ts'

it('metrics are reported while the database is away, without the figures that only it knows', async () => {
  const warnings: string[] = []
  const metrics = new Metrics({ warn: (_: unknown, text: string) => warnings.push(text) } as never)
  let isUp = true
  metrics.states({
    name: 'rollcall_agents',
    help: 'Hosts of the fleet by state.',
    states: ['online', 'offline'],
    count: async () => {
      if (!isUp) throw new Error('database away')
      return { online: 3 }
    },
  })
  expect(await metrics.text()).toMatch(
    /^rollcall_agents\{state="online"\} 3\nrollcall_agents\{state="offline"\} 0$/m,
  )
  isUp = false
  const text = await metrics.text()
  expect(text).toContain('process_cpu_seconds_total')
  expect(text).not.toContain('rollcall_agents{')
  expect(warnings).toEqual(['failed to count rollcall_agents'])
})
