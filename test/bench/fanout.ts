import { setTimeout as delay } from 'node:timers/promises'
import type { LiveEvent, RunView } from '@rollcall/contracts/admin'
import { LiveClient } from '../fleet/live-client.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { makeAgents } from '../load/agents.ts'
import { LoadNamespace } from '../load/namespace.ts'
import { RealAgents } from '../load/real-agents.ts'
import { ServerData } from '../load/seed.ts'
import { SimulatedSetting } from '../load/simulated-setting.ts'
import { fanoutPlots } from './fanout-plot.ts'
import type { Benchmark, Figure } from './figure.ts'
import type { PeerResult, PeerTimes } from './peer-runs.ts'
import { peersOnHundred, peersOnThousand } from './peers.ts'
import { cpuMs, cpuMsWithEnded, familyCpuMs } from './process-cost.ts'
import { percentile } from './statistics.ts'

const LONG = { warm: 20, cold: 5, warmThousand: 7, coldThousand: 5 }
const SHORT = { warm: 6, cold: 3, warmThousand: 3, coldThousand: 3 }
/** After a run: two seconds later agents are told that they may forget it, and that is part of its cost. */
const PAUSE_MS = 3000

export const fanout: Benchmark = {
  summary: '`true` on 100 and on 1,000 agents, with and without open connections',
  plots: fanoutPlots,
  async run(log, { isShort }) {
    const rounds = isShort ? SHORT : LONG
    const hundred = await onRealAgents(100, rounds.warm, rounds.cold, log)
    log(`100 real agents: ${describe(hundred)}`)
    const thousand = await onSimulatedAgents(1000, rounds.warmThousand, rounds.coldThousand, log)
    log(`1,000 simulated agents: ${describe(thousand)}`)
    const peers = { 100: await peersOnHundred(isShort, log), 1000: await peersOnThousand(log) }
    return [
      figure('100.warm_s', 's', 0.3, hundred.warm, fastest(peers[100], 'warmS')),
      figure('100.cold_s', 's', 0.45, hundred.cold, fastest(peers[100], 'coldS')),
      figure(
        '100.controller_cpu_ms_per_host',
        'ms',
        1.5,
        hundred.serverCpu,
        fastest(peers[100], 'warmCpuMsPerHost'),
      ),
      figure('100.database_cpu_ms_per_host', 'ms', null, hundred.databaseCpu, null),
      // Theirs is on the hosts and not on the server; here all share the processors that the time depends on.
      figure('100.agent_cpu_ms_per_host', 'ms', null, hundred.agentCpu, null),
      figure('1000.warm_s', 's', 2.5, thousand.warm, fastest(peers[1000], 'warmS')),
      figure('1000.cold_s', 's', 4, thousand.cold, fastest(peers[1000], 'coldS')),
      figure(
        '1000.controller_cpu_ms_per_host',
        'ms',
        null,
        thousand.serverCpu,
        fastest(peers[1000], 'warmCpuMsPerHost'),
      ),
    ]
  },
}

/** A measured value, and how often it was measured. */
interface Value {
  value: number
  n: number
}

interface Times {
  /** Medians, in seconds. */
  warm: Value
  cold: Value
  /** Means over all warm runs, in milliseconds per host. */
  serverCpu: Value
  databaseCpu: Value
  /** Processor time of an agent, its runner and the program, if they are processes of their own. */
  agentCpu: Value
}

function figure(
  what: string,
  unit: string,
  atMost: number | null,
  { value, n }: Value,
  peer: { label: string; value: number } | null,
): Figure {
  const target = atMost === null ? null : { atMost }
  const beside = { peer: peer?.label ?? null, peerValue: peer?.value ?? null }
  return { name: `fanout.${what}`, value, unit, target, ...beside, n }
}

/** The best of the peers that are there. */
function fastest(peers: readonly PeerResult[], of: 'warmS' | 'coldS' | 'warmCpuMsPerHost') {
  const present = peers.filter((peer): peer is PeerTimes => !('absent' in peer))
  const [best] = present.toSorted((a, b) => a[of] - b[of])
  return best ? { label: `the best of the peers: ${best.tool.label}`, value: best[of] } : null
}

async function onRealAgents(
  count: number,
  warmRounds: number,
  coldRounds: number,
  log: (line: string) => void,
): Promise<Times> {
  await using namespace = await LoadNamespace.open(log)
  await using server = await ServerProcess.start({ address: namespace.address, launcher: namespace.enter })
  const agents = makeAgents(count, 'real')
  await using data = await ServerData.open(server)
  log(`starting ${count} agents and their runners`)
  await using started = await RealAgents.start({
    namespace,
    agents,
    serverPins: [await data.serverPin()],
    log,
  })
  await data.seed(agents, { state: 'online' })
  const names = agents.map(({ name }) => name)
  return await measure(server, names, warmRounds, coldRounds, started.pids)
}

async function onSimulatedAgents(
  count: number,
  warmRounds: number,
  coldRounds: number,
  log: (line: string) => void,
): Promise<Times> {
  await using setting = await SimulatedSetting.open({ agents: count, log })
  const names = setting.simulator.agents.map(({ name }) => name)
  return await measure(setting.server, names, warmRounds, coldRounds, [setting.simulator.pid])
}

async function measure(
  server: ServerProcess,
  hosts: readonly string[],
  warmRounds: number,
  coldRounds: number,
  agentPids: readonly number[],
): Promise<Times> {
  const cpu = async () => {
    const ofAgents = await Promise.all(agentPids.map(cpuMsWithEnded))
    return {
      server: await cpuMs(server.pid),
      database: await familyCpuMs(await server.postgresPid()),
      agents: ofAgents.reduce((sum, ms) => sum + ms, 0),
    }
  }
  // One for programs and pages that nobody has touched yet; it opens the connections too.
  await runOnce(server, hosts)
  const warm: number[] = []
  const before = await cpu()
  for (let round = 0; round < warmRounds; round++) warm.push(await runOnce(server, hosts))
  const after = await cpu()
  const perHost = (of: keyof typeof after): Value => ({
    value: (after[of] - before[of]) / warmRounds / hosts.length,
    n: warmRounds,
  })
  const cold: number[] = []
  for (let round = 0; round < coldRounds; round++) {
    await server.restart('SIGTERM')
    cold.push(await runOnce(server, hosts))
  }
  return {
    warm: { value: percentile(warm, 0.5), n: warm.length },
    cold: { value: percentile(cold, 0.5), n: cold.length },
    serverCpu: perHost('server'),
    databaseCpu: perHost('database'),
    agentCpu: perHost('agents'),
  }
}

/** Seconds from sending the request until a viewer is told that the last command has ended. Throws unless all succeeded. */
async function runOnce(server: ServerProcess, hosts: readonly string[]): Promise<number> {
  const api = await server.api()
  using live = await LiveClient.open(api)
  const runId = crypto.randomUUID()
  const ended = new Promise<RunView>((resolve, reject) => {
    live.socket.on('message', (text) => {
      const event = JSON.parse(String(text)) as LiveEvent
      if (event.type === 'run-end' && event.run.id === runId) resolve(event.run)
      if (event.type === 'error') reject(new Error(`${event.code}: ${event.message}`))
    })
    live.socket.on('close', () => reject(new Error('the live connection was closed')))
  })
  ended.catch(() => undefined) // When the request itself fails, that is what is told.
  const started = performance.now()
  await api.run({ runId, hosts: [...hosts], program: 'true', args: [] })
  live.socket.send(JSON.stringify({ type: 'follow-run', runId }))
  const { counts } = await ended
  const seconds = (performance.now() - started) / 1000
  if (counts.success !== hosts.length)
    throw new Error(`not all of ${hosts.length} commands succeeded: ${JSON.stringify(counts)}`)
  await delay(PAUSE_MS)
  return seconds
}

const describe = ({ warm, cold, serverCpu, databaseCpu, agentCpu }: Times) =>
  `warm ${warm.value.toFixed(2)} s, cold ${cold.value.toFixed(2)} s, per host ${serverCpu.value.toFixed(2)} ms of the ` +
  `server's processor time, ${databaseCpu.value.toFixed(2)} ms of its database's, ${agentCpu.value.toFixed(2)} ms of the agent's`
