import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Host } from '../bed/index.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { Benchmark, Figure } from './figure.ts'
import { fieldMb } from './memory-watch.ts'

const COMMANDS = 50
const SETTLE_MS = 10_000
const IDLE_MS = 60_000
const PEER = 'a bare https server of the same Node, on the same host'
const PEER_UNIT = 'bench-peer.service'
const PEER_PORT = 29_443
const NODE = '/opt/rollcall-agent/current/bin/node'
const AGENT_UNIT = 'rollcall-agent.service'
const RUNNER_UNIT = 'rollcall-runner.service'

export const idle: Benchmark = {
  summary: 'what an agent costs its host while nothing is asked of it',
  async run(log) {
    await using fleet = await BenchFleet.open('idle', log)
    const host = await fleet.oneOnline()
    // An agent that has worked: what it has loaded and allocated for that stays.
    for (let i = 0; i < COMMANDS; i++) {
      const [command] = await fleet.api.run({ hosts: ['one'], program: 'echo', args: ['x'] })
      await fleet.api.ended(command?.id ?? '')
    }
    const runner = await memoryOf(host, RUNNER_UNIT)
    // It would leave by itself after five idle minutes; its socket stays and starts it again.
    await host.output(['systemctl', 'stop', RUNNER_UNIT])
    const agent = await costOf(host, AGENT_UNIT, log)

    // Pages of the program count as private or as shared by who else runs it: so each runs alone.
    await host.output(['systemctl', 'stop', AGENT_UNIT])
    await startPeer(host)
    const peer = await costOf(host, PEER_UNIT, log)

    const figure = (
      what: string,
      unit: string,
      atMost: number,
      value: number,
      peerValue: number,
    ): Figure => ({
      name: `idle.${what}`,
      value,
      unit,
      target: { atMost },
      peer: PEER,
      peerValue,
      n: 1,
    })
    return [
      figure('agent_rss_mb', 'MB', 70, agent.rssMb, peer.rssMb),
      figure('agent_private_mb', 'MB', 25, agent.privateMb, peer.privateMb),
      {
        ...figure('agent_private_clean_mb', 'MB', 0, agent.privateCleanMb, peer.privateCleanMb),
        target: null,
      },
      figure('agent_cpu_percent', '%', 0.1, agent.cpuPercent, peer.cpuPercent),
      {
        name: 'idle.runner_rss_mb',
        value: runner.rssMb,
        unit: 'MB',
        target: null,
        peer: null,
        peerValue: null,
        n: 1,
      },
    ]
  },
}

interface Memory {
  rssMb: number
  /** Written by this process and by nobody else to be had: it comes back only when the process ends. */
  privateMb: number
  /** Pages of files, most of them of the program, that no other process maps at the moment. The kernel may drop them. */
  privateCleanMb: number
}

async function costOf(
  host: Host,
  unit: string,
  log: (line: string) => void,
): Promise<Memory & { cpuPercent: number }> {
  await delay(SETTLE_MS)
  const pid = await mainPid(host, unit)
  const before = await cpuUs(host, unit)
  const started = performance.now()
  await delay(IDLE_MS)
  const usedUs = (await cpuUs(host, unit)) - before
  const cpuPercent = usedUs / 10 / (performance.now() - started)
  const memory = await memoryOf(host, unit)
  if ((await mainPid(host, unit)) !== pid) throw new Error(`${unit} was restarted while it was measured`)
  log(`${unit}: ${memory.detail}, ${(usedUs / 1000).toFixed(1)} ms of processor time in a minute`)
  return { ...memory, cpuPercent }
}

async function memoryOf(host: Host, unit: string): Promise<Memory & { detail: string }> {
  const rollup = await host.output(['cat', `/proc/${await mainPid(host, unit)}/smaps_rollup`])
  const fields = ['Rss', 'Pss', 'Private_Clean', 'Private_Dirty', 'Anonymous'].map(
    (field) => [field, fieldMb(rollup, field)] as const,
  )
  const mb = Object.fromEntries(fields)
  return {
    rssMb: mb.Rss ?? Number.NaN,
    privateMb: mb.Private_Dirty ?? Number.NaN,
    privateCleanMb: mb.Private_Clean ?? Number.NaN,
    detail: fields.map(([field, value]) => `${field} ${value.toFixed(1)} MB`).join(', '),
  }
}

async function mainPid(host: Host, unit: string): Promise<number> {
  const pid = Number(await host.output(['systemctl', 'show', '--property=MainPID', '--value', unit]))
  if (!pid) throw new Error(`${unit} does not run on ${host.name}`)
  return pid
}

/** Processor time of a unit so far, in microseconds, by its control group: no thread that ended is forgotten. */
async function cpuUs(host: Host, unit: string): Promise<number> {
  const text = await host.output(['cat', `/sys/fs/cgroup/system.slice/${unit}/cpu.stat`])
  return Number(/^usage_usec (\d+)$/m.exec(text)?.[1])
}

/** The least that can listen as the agent does: started by systemd, called once so that TLS is loaded. */
async function startPeer(host: Host): Promise<void> {
  const script = await readFile(fileURLToPath(new URL('./peer-https-server.mjs', import.meta.url)), 'utf8')
  await host.output(['sh', '-ec', 'cat > /usr/local/lib/peer.mjs'], { input: script })
  await host.output([
    'systemd-run',
    `--unit=${PEER_UNIT}`,
    '--quiet',
    NODE,
    '/usr/local/lib/peer.mjs',
    String(PEER_PORT),
  ])
  await delay(2000)
  for (let i = 0; i < COMMANDS; i++) await callPeer(host)
}

async function callPeer(host: Host): Promise<void> {
  const call = request({
    host: host.address,
    port: PEER_PORT,
    rejectUnauthorized: false,
    method: 'GET',
    path: '/',
  })
  call.end()
  const [response] = await once(call, 'response')
  response.resume()
  await once(response, 'end')
}
