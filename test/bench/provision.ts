import type { Host } from '../bed/index.ts'
import { AnsiblePeer } from './ansible-peer.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { Benchmark, Figure } from './figure.ts'
import { percentile } from './statistics.ts'

const SINGLES = 3
const MANY = 10

export const provision: Benchmark = {
  summary: 'from a bare host to one that is online: one, and ten at once',
  async run(log) {
    await using fleet = await BenchFleet.open('provision', log)
    const ours = await measure(fleet, 'ours', (hosts) =>
      Promise.all(hosts.map((host) => fleet.install(host))),
    )
    log(`ours: ${describe(ours)}`)
    const [installed] = fleet.bed.hosts
    if (!installed) throw new Error('there is no installed host')
    await using ansible = await AnsiblePeer.open(fleet.bed, installed, log)
    for (const host of fleet.bed.hosts) await host.powerOff()

    const theirs = await measure(fleet, 'theirs', (hosts) => ansible.install(hosts))
    log(`ansible-playbook: ${describe(theirs)}`)
    const figure = (what: string, atMost: number, mine: number[], peers: number[], peer: string): Figure => ({
      name: `provision.${what}`,
      value: percentile(mine, 0.5),
      unit: 's',
      target: { atMost },
      peer,
      peerValue: percentile(peers, 0.5),
      n: mine.length,
    })
    return [
      figure('one_s', 20, ours.singles, theirs.singles, 'ansible-playbook, the same files over SSH'),
      figure('ten_s', 60, [ours.many], [theirs.many], `ansible-playbook -f ${MANY}, the same files over SSH`),
    ]
  },
}

interface Times {
  /** Seconds for one host, several times over, each a fresh one. */
  singles: number[]
  /** Seconds until the last of ten that were begun together. */
  many: number
}

async function measure(
  fleet: BenchFleet,
  name: string,
  install: (hosts: Host[]) => Promise<unknown>,
): Promise<Times> {
  const timed = async (hosts: Host[]) => {
    const started = performance.now()
    await install(hosts)
    return (performance.now() - started) / 1000
  }
  const named = (what: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${name}-${what}-${i + 1}`)
  const singles: number[] = []
  for (const host of await fleet.boot(...named('single', SINGLES))) singles.push(await timed([host]))
  return { singles, many: await timed(await fleet.boot(...named('many', MANY))) }
}

const describe = ({ singles, many }: Times) =>
  `one in ${singles.map((s) => s.toFixed(1)).join(', ')} s; ${MANY} at once in ${many.toFixed(1)} s`
