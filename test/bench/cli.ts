import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SimulatedSetting } from '../load/simulated-setting.ts'
import type { Benchmark, Figure } from './figure.ts'
import { percentile } from './statistics.ts'

const LAUNCHER = fileURLToPath(new URL('../../cli/bin/rollcall.cjs', import.meta.url))
const ROUNDS = 30
const HOSTS = 100
const PEER = 'the same Node, doing nothing'

export const cli: Benchmark = {
  summary: 'what the command line takes to answer: its version, and a list of a hundred hosts',
  async run(_log, { isShort }) {
    await using setting = await SimulatedSetting.open({ agents: HOSTS })
    const { server } = setting
    const env = { ...process.env, ...server.cliEnv }
    const run = promisify(execFile)
    const node = (...args: string[]) => run(process.execPath, args, { env, maxBuffer: 1024 * 1024 })
    const { stdout } = await node(LAUNCHER, 'host', 'list')
    const listed = stdout.trimEnd().split('\n').length - 1
    if (listed !== HOSTS) throw new Error(`host list showed ${listed} hosts of ${HOSTS}:\n${stdout}`)
    // In turns, so that a machine that others use slows all three alike.
    const took: Record<'nothing' | 'version' | 'list', number[]> = { nothing: [], version: [], list: [] }
    for (let round = 0; round < (isShort ? ROUNDS / 3 : ROUNDS); round++) {
      took.nothing.push(await timed(() => node('-e', '0')))
      took.version.push(await timed(() => node(LAUNCHER, '--version')))
      took.list.push(await timed(() => node(LAUNCHER, 'host', 'list')))
    }
    const figure = (what: 'version' | 'list', name: string, atMost: number): Figure => ({
      name: `cli.${name}`,
      value: percentile(took[what], 0.5),
      unit: 's',
      target: { atMost },
      peer: PEER,
      peerValue: percentile(took.nothing, 0.5),
      n: took[what].length,
    })
    return [figure('list', 'host_list_s', 0.25), figure('version', 'version_s', 0.1)]
  },
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
