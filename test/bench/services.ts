import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BenchFleet } from './bench-fleet.ts'
import type { Benchmark, Figure } from './figure.ts'
import { measureImageDelta } from './image-delta.ts'
import type { PlacementRun } from './placement-run.ts'
import { type ApplyTimes, measureApply, type PeerTimes } from './service-apply.ts'
import { percentile } from './statistics.ts'
import { measureWarden } from './warden-cost.ts'

const PROGRAM = fileURLToPath(new URL('./placement-run.ts', import.meta.url))
const ROUNDS = 9
/** How long a warden is measured, in seconds. */
const WARDEN_S = 120
const HOSTS = 20
const SHORT_HOSTS = 3

export const services: Benchmark = {
  summary:
    'placing 10,000 instances of 1,000 services on 10,000 hosts, with explanations; twenty instances on twenty hosts, beside Ansible and Swarm; what a warden and a new version of an image cost a host',
  async run(log, { isShort }) {
    const { allMs, oneMs, loopMs, rssMb } = await place(isShort ? Math.ceil(ROUNDS / 3) : ROUNDS)
    log(`rounds of ${allMs.map((ms) => Math.round(ms)).join(', ')} ms`)
    const warden = await measureWarden(isShort ? WARDEN_S / 4 : WARDEN_S)
    log(`a warden made ${warden.checks} checks`)
    const { delta, apply } = await onHosts(log, isShort)
    log(`all ${delta.ratios.length} hosts had the second version after ${delta.seconds.toFixed(1)} s`)
    const figure = (name: string, value: number, unit: string, atMost: number, n: number): Figure => ({
      name: `services.${name}`,
      value,
      unit,
      target: { atMost },
      peer: null,
      peerValue: null,
      n,
    })
    return [
      figure('place_10k_s', percentile(allMs, 0.5) / 1000, 's', 1.5, allMs.length),
      figure('place_one_ms', percentile(oneMs, 0.5), 'ms', 5, oneMs.length),
      figure('place_rss_mb', rssMb, 'MB', 150, allMs.length),
      figure('loop_ms', Math.max(...loopMs), 'ms', 20, loopMs.length),
      figure('warden_mb', warden.rssMb, 'MB', 14, 1),
      figure('image_delta_ratio', Math.max(...delta.ratios), '×', 1.1, delta.ratios.length),
      figure('warden_cpu_percent', warden.cpuPercent, '%', 0.2, warden.checks),
      ...toApplyFigures(apply, delta.ratios.length, isShort),
    ]
  },
}

/** Returns the figure of `apply` beside each of its peers. Of fewer hosts it is another figure. */
function toApplyFigures({ ours, ansible, swarm }: ApplyTimes, hosts: number, isShort: boolean): Figure[] {
  const figure = (name: string, target: Figure['target'], peer: string, times: PeerTimes): Figure => ({
    name: `services.apply_${hosts}_${name}`,
    value: percentile(ours, 0.5),
    unit: 's',
    target,
    peer: times.absent === null ? peer : `absent: ${times.absent}`,
    peerValue: times.absent === null ? percentile(times.seconds, 0.5) : null,
    n: ours.length,
  })
  const ansibleText = `deploy_container.yml by ansible-playbook -f ${hosts}, kept connections and pipelining`
  const swarmText = `docker service create on a Swarm of ${hosts} nodes, one of them the manager`
  return [
    figure('s', isShort ? null : { atMost: 30 }, ansibleText, ansible),
    figure('beside_swarm_s', null, swarmText, swarm),
  ]
}

/** Measures on real hosts with podman: the image first, while no instance runs there. */
async function onHosts(log: (line: string) => void, isShort: boolean) {
  await using fleet = await BenchFleet.open('services', log)
  const count = isShort ? SHORT_HOSTS : HOSTS
  const names = Array.from({ length: count }, (_, index) => `service-${index + 1}`)
  const hosts = await fleet.bootAs('podman', names)
  log(`installing the agent on ${count} hosts`)
  await Promise.all(hosts.map((host) => fleet.install(host)))
  log('all hosts are online')
  const delta = await measureImageDelta(fleet, hosts, log, isShort)
  return { delta, apply: await measureApply(fleet, hosts, log, isShort) }
}

/** Runs placement in a process of its own. Throws when that ends without a result. */
async function place(rounds: number): Promise<PlacementRun> {
  const child = fork(PROGRAM, [String(rounds)])
  const exited = once(child, 'exit')
  const answered = once(child, 'message')
  const [first] = await Promise.race([answered, exited.then(() => [undefined])])
  const [code, signal] = await exited
  if (code !== 0 || first === undefined)
    throw new Error(`placement ended with ${code ?? signal} and no result`)
  return first as PlacementRun
}
