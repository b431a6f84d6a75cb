/** npm run chaos -- [--seed N] [--commands N] [--kills N]: the long fault run, reported as one line of JSON at the end. */
import { parseArgs } from 'node:util'
import { Bed } from '../bed/index.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { runChaos } from './chaos.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    commands: { type: 'string', default: '220' },
    kills: { type: 'string', default: '55' },
  },
})
const plan = { seed: Number(values.seed), commands: Number(values.commands), kills: Number(values.kills) }
for (const [name, value] of Object.entries(plan))
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number, not ${value}`)

console.log(`seed ${plan.seed}: ${plan.commands} commands, ${plan.kills} kills`)
await using bed = await Bed.open({ name: 'chaos' })
const hosts = await bed.boot([
  { name: 'one' },
  { name: 'two', flavour: 'trixie' },
  { name: 'three', flavour: 'bullseye' },
])
await using server = await ServerProcess.start()
const result = await runChaos(bed, hosts, server, plan, console.log)
console.log(JSON.stringify({ ...plan, ...result }))
if (result.lost.length + result.doubled.length + result.untrue.length > 0) {
  console.error(server.lines.slice(-100).join('\n'))
  process.exitCode = 1
}
