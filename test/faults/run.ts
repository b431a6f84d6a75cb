/**
 * npm run chaos -- [commands | rotations | services] [--seed N] [--count N] [--kills N]: the long fault runs, each reported as one line of
 * JSON at its end.
 */
import { parseArgs } from 'node:util'
import { Bed } from '../bed/index.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { SimulatedSetting } from '../load/simulated-setting.ts'
import { runChaos } from './chaos.ts'
import { runRotations } from './rotations.ts'
import { services } from './services/index.ts'

const AGENTS = 500

interface Plan {
  seed: number
  count: number
  kills: number
}

/** Each resolves to whether nothing was wrong. */
const RUNS = {
  commands: { count: 220, kills: 55, run: commands },
  rotations: { count: 10_000, kills: 50, run: rotations },
  services: { count: 200, kills: 60, run: services },
}

async function commands({ seed, count, kills }: Plan): Promise<boolean> {
  await using bed = await Bed.open({ name: 'chaos' })
  const hosts = await bed.boot([
    { name: 'one' },
    { name: 'two', flavour: 'trixie' },
    { name: 'three', flavour: 'bullseye' },
  ])
  await using server = await ServerProcess.start()
  const result = await runChaos(bed, hosts, server, { seed, commands: count, kills }, console.log)
  return report({ seed, ...result }, server, [...result.lost, ...result.doubled, ...result.untrue])
}

async function rotations({ seed, count, kills }: Plan): Promise<boolean> {
  await using setting = await SimulatedSetting.open({ agents: AGENTS, log: console.log })
  const result = await runRotations(setting, { seed, rotations: count, kills }, console.log)
  return report({ seed, agents: AGENTS, ...result }, setting.server, [...result.lost, ...result.accused])
}

function report(result: object, server: ServerProcess, wrong: readonly string[]): boolean {
  console.log(JSON.stringify(result))
  if (wrong.length > 0) console.error(server.lines.slice(-100).join('\n'))
  return wrong.length === 0
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, count: { type: 'string' }, kills: { type: 'string' } },
})
const [what = 'commands', ...others] = positionals
if (others.length > 0 || !Object.hasOwn(RUNS, what))
  throw new Error(`npm run chaos takes ${Object.keys(RUNS).join(' or ')}, not ${positionals.join(' ')}`)
const chosen = RUNS[what as keyof typeof RUNS]

function whole(name: keyof Plan, otherwise: number): number {
  const value = Number(values[name] ?? otherwise)
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`--${name} must be a whole number from 0 on, not ${values[name]}`)
  return value
}
const plan = {
  seed: whole('seed', Math.floor(Math.random() * 2 ** 31)),
  count: whole('count', chosen.count),
  kills: whole('kills', chosen.kills),
}
console.log(`seed ${plan.seed}: ${plan.count} ${what}, ${plan.kills} kills`)
if (!(await chosen.run(plan))) process.exitCode = 1
