// Figures for the notes: memory and CPU at rest, cost of accepting, latency, throughput. Usage: node test/measure.ts
import { readFileSync } from 'node:fs'
import { AgentHost } from './fixtures/agent-host.ts'

const host = await AgentHost.start()
const memory = (pid: number | undefined) => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const mb = (key: string) => (Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(text)?.[1]) / 1024).toFixed(1)
  return `rss ${mb('Rss')} MB, private ${(Number(mb('Private_Clean')) + Number(mb('Private_Dirty'))).toFixed(1)} MB, anonymous ${mb('Anonymous')}`
}
const ticks = (pid: number | undefined) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}
const timed = async (count: number, work: () => Promise<unknown>) => {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const started = performance.now()
    await work()
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  return `median ${times[count >> 1]?.toFixed(2)} ms, worst ${times.at(-1)?.toFixed(2)} ms`
}

console.log('agent, fresh:   ', memory(host.agent?.child.pid))
await host.client.call('health_check', {})
await host.client.call('get_status', {})
console.log('heartbeat:      ', await timed(500, () => host.client.call('heartbeat', {})))
console.log('get_status:     ', await timed(200, () => host.client.call('get_status', {})))
console.log(
  'execute_command:',
  await timed(100, async () => host.follow(await host.execute('true'))),
  '(start to final result)',
)
console.log('accept only:    ', await timed(100, () => host.execute('true')))
console.log('agent, used:    ', memory(host.agent?.child.pid))
console.log('runner, used:   ', memory(host.runner?.child.pid))
const id = await host.shell('head -c 1000000000 /dev/zero')
let started = performance.now()
let offset = 0
while (offset < 1_000_000_000) {
  const answer = await host.log(id, offset, { wait_ms: 5000, max_bytes: 4 * 1024 * 1024 })
  offset = answer.new_offset
}
console.log('1 GB while it is written:', (1000 / ((performance.now() - started) / 1000)).toFixed(0), 'MB/s')
started = performance.now()
const cpu = ticks(host.agent?.child.pid)
for (offset = 0; offset < 1_000_000_000; ) {
  offset = (await host.log(id, offset, { max_bytes: 4 * 1024 * 1024 })).new_offset
}
const seconds = (performance.now() - started) / 1000
const cpuSeconds = (ticks(host.agent?.child.pid) - cpu) / 100
console.log(
  '1 GB from the spool:',
  (1000 / seconds).toFixed(0),
  'MB/s;',
  (1000 / cpuSeconds).toFixed(0),
  'MB per CPU second of the agent',
)
console.log('agent, after:   ', memory(host.agent?.child.pid))
console.log('runner, after:  ', memory(host.runner?.child.pid))
const idle = [ticks(host.agent?.child.pid), ticks(host.runner?.child.pid)]
await new Promise((resolve) => setTimeout(resolve, 30_000))
console.log(
  'idle CPU ticks (10 ms) in 30 s: agent',
  ticks(host.agent?.child.pid) - (idle[0] ?? 0),
  'runner',
  ticks(host.runner?.child.pid) - (idle[1] ?? 0),
)
await host.stop()
