import type { Benchmark, Figure } from './figure.ts'
import { measurePeers, type PeerResult } from './peer-runs.ts'
import { PEER_TOOLS } from './peer-tools.ts'

const ALL = PEER_TOOLS.map(({ name }) => name)
/** A module in Python on a hundred hosts takes half a minute each time; the short form has the faster of Ansible's two ways. */
const IN_SHORT = ALL.filter((name) => name !== 'ansible_command')
/** Ansible on a thousand takes minutes and tells nothing that a hundred do not. */
const ON_A_THOUSAND = ['pdsh']

/** The peers in the form in which every benchmark of one run asks for them, so that each is measured once. */
export const peersOnHundred = (isShort: boolean, log: (line: string) => void) =>
  isShort ? measurePeers(100, IN_SHORT, 1, log) : measurePeers(100, ALL, 5, log)
export const peersOnThousand = (log: (line: string) => void) => measurePeers(1000, ON_A_THOUSAND, 1, log)

export const peers: Benchmark = {
  summary: '`true` on 100 and on 1,000 hosts by the tools that go over SSH',
  async run(log, { isShort }) {
    const hundred = await peersOnHundred(isShort, log)
    const thousand = await peersOnThousand(log)
    return [
      ...hundred.flatMap((result) => figuresOf(100, result)),
      ...thousand.flatMap((result) => figuresOf(1000, result)),
    ]
  },
}

function figuresOf(count: number, result: PeerResult): Figure[] {
  const figure = (what: string, unit: string, value: number | null, n: number): Figure => ({
    name: `peers.${result.tool.name}.${count}.${what}`,
    value,
    unit,
    target: null,
    peer: 'absent' in result ? `absent: ${result.absent}` : result.tool.label,
    peerValue: null,
    n,
  })
  const { warmS, coldS, warmCpuMsPerHost, rounds } =
    'absent' in result ? { warmS: null, coldS: null, warmCpuMsPerHost: null, rounds: 0 } : result
  return [
    figure('warm_s', 's', warmS, rounds),
    figure('cold_s', 's', coldS, rounds),
    figure('controller_cpu_ms_per_host', 'ms', warmCpuMsPerHost, rounds),
  ]
}
