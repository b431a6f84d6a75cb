import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { BenchFleet } from './bench-fleet.ts'
import { installPeer } from './debian-packages.ts'
import type { Benchmark, Figure } from './figure.ts'
import { type PlaybookCost, PlaybookPeer } from './playbook-peer.ts'
import { cpuMs, familyCpuMs } from './process-cost.ts'
import { percentile } from './statistics.ts'

const FOLDER = fileURLToPath(new URL('./ten-tasks', import.meta.url))
const LONG = { hosts: 20, rounds: 5 }
const SHORT = { hosts: 4, rounds: 2 }
const ENDED_MS = 600_000
/** As the command line looks: more often would cost the server what nobody needs. */
const LOOK_MS = 500

export const playbook: Benchmark = {
  summary: 'ten small tasks on many hosts through their agents, beside ansible-playbook over SSH',
  async run(log, { isShort }) {
    const { hosts: count, rounds } = isShort ? SHORT : LONG
    const absent = await installPeer('/usr/bin/ansible-playbook', 'ansible-core', log)
    if (absent !== undefined) throw new Error(absent)
    await using fleet = await BenchFleet.open('playbook', log)
    const hosts = await fleet.boot(...Array.from({ length: count }, (_, i) => `book-${i + 1}`))
    await Promise.all(hosts.map((host) => fleet.install(host)))
    await addCollection(fleet)
    await using peer = await PlaybookPeer.open(fleet.bed, hosts)
    const ours: PlaybookCost[] = []
    const theirs: PlaybookCost[] = []
    // The first brings the files, and opens the connections that the peer keeps: it is not counted.
    for (let round = 0; round <= rounds; round++) {
      const mine = await runOurs(fleet, `ours-${round}`)
      await needRound(hosts, `ours-${round}`)
      const other = await peer.run(join(FOLDER, 'ten.yml'), { ten_round: `theirs-${round}` })
      await needRound(hosts, `theirs-${round}`)
      log(
        `${inWords('ours', mine)}; ${inWords('ansible-playbook', other)}${round === 0 ? ' (not counted)' : ''}`,
      )
      if (round === 0) continue
      ours.push(mine)
      theirs.push(other)
    }
    return [
      ratio('wall_ratio', 0.5, 'seconds', ours, theirs, ({ wallS }) => wallS),
      ratio('controller_cpu_ratio', 0.2, 'processor seconds', ours, theirs, (cost) => cost.cpuMs / 1000),
    ]
  },
}

function ratio(
  name: string,
  atMost: number,
  unit: string,
  ours: readonly PlaybookCost[],
  theirs: readonly PlaybookCost[],
  of: (cost: PlaybookCost) => number,
): Figure {
  const peerValue = percentile(theirs.map(of), 0.5)
  return {
    name: `playbook.${name}`,
    value: percentile(ours.map(of), 0.5) / peerValue,
    unit: '×',
    target: { atMost },
    n: ours.length,
    peerValue,
    peer: `ansible-playbook over ssh, kept connections and pipelining: ${unit}`,
  }
}

async function addCollection({ api }: BenchFleet): Promise<void> {
  const { stdout } = await promisify(execFile)('tar', ['-C', FOLDER, '-czf', '-', '.'], {
    encoding: 'buffer',
  })
  const sha256 = await api.addContent(stdout)
  await api.call('addCollection', { body: { name: 'bench', source: { kind: 'archive', sha256 } } })
}

/** From the request until the server has the last host's result. Throws unless it succeeded on every host. */
async function runOurs({ api, server }: BenchFleet, round: string): Promise<PlaybookCost> {
  const database = await server.postgresPid()
  const usedMs = async () => (await cpuMs(server.pid)) + (await familyCpuMs(database))
  const beforeMs = await usedMs()
  const started = performance.now()
  const { runId } = await api.call('runPlaybook', {
    params: { playbook: 'bench/ten' },
    body: { all: true, variables: { ten_round: round } },
  })
  const hasEnded = async () => (await api.call('showRun', { params: { id: runId } })).run.endedAt !== null
  await poll(hasEnded, { timeoutMs: ENDED_MS, everyMs: LOOK_MS, what: 'the playbook to end' })
  const cost = { wallS: (performance.now() - started) / 1000, cpuMs: (await usedMs()) - beforeMs }
  const { hosts } = await api.call('showPlaybookRun', { params: { id: runId } })
  const wrong = hosts.find(({ state, totals }) => state !== 'success' || !totals || totals.changed === 0)
  if (wrong) throw new Error(`the playbook did not do its work: ${JSON.stringify(wrong)}`)
  return cost
}

async function needRound(hosts: readonly Host[], round: string): Promise<void> {
  for (const host of hosts) {
    const found = await host.output(['cat', '/srv/ten/round'])
    if (found.trim() !== round) throw new Error(`${host.name} has ${found} and not ${round}`)
  }
}

const inWords = (who: string, { wallS, cpuMs: ms }: PlaybookCost) =>
  `${who}: ${wallS.toFixed(1)} s, ${(ms / 1000).toFixed(2)} s of processor`
