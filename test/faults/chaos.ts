import { setTimeout as delay } from 'node:timers/promises'
import type { CommandView } from '@rollcall/contracts/admin'
import type { Bed, Host } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { keyCredential } from '../fleet/credentials.ts'
import type { ServerProcess } from '../fleet/server-process.ts'
import { pick, randomOf } from './random.ts'
import { insist, strike, totalOf } from './strike.ts'

const LEDGER = '/var/tmp/ledger'
const LINES_PER_COMMAND = 3
const SENDERS = 4
const FAULT_PAUSE_MS = 150

export interface ChaosPlan {
  seed: number
  commands: number
  kills: number
}

export interface ChaosResult {
  commands: number
  kills: Record<Victim, number>
  /** Commands that were accepted and never ran. */
  lost: string[]
  /** Commands that ran more than once. */
  doubled: string[]
  /** Commands whose state or output is not what happened on the host. */
  untrue: string[]
  seconds: number
}

type Victim = 'server' | 'agent' | 'database'

/**
 * Runs commands that each append their id to a file on their host, while server, agents and database are killed at
 * random moments; then compares what the server says with what the hosts have.
 */
export async function runChaos(
  bed: Bed,
  hosts: readonly Host[],
  server: ServerProcess,
  plan: ChaosPlan,
  log: (line: string) => void,
): Promise<ChaosResult> {
  const random = randomOf(plan.seed)
  const api = await server.api()
  const key = await keyCredential(bed)
  const added = await Promise.all(
    hosts.map((host) => api.addHost({ name: host.name, address: host.address, credential: key })),
  )
  for (const installation of added)
    if (installation.state !== 'success')
      throw new Error(`no host to test on: ${installation.reason}\n${await api.text(installation.id)}`)

  const started = performance.now()
  const kills = { server: 0, agent: 0, database: 0 }
  const accepted: { id: string; host: string }[] = []
  let asked = 0
  let isDone = false

  const send = async () => {
    while (asked < plan.commands) {
      const number = asked++
      // Spread over the whole run, so that there is work at every kill.
      while (number / plan.commands > (totalOf(kills) + 1) / plan.kills) await delay(20)
      const host = pick(hosts, random).name
      const script = `echo "$1" >> ${LEDGER}; for i in $(seq ${LINES_PER_COMMAND}); do echo "$1 $i"; sleep 0.$((RANDOM_MS)); done`
      const request = {
        runId: crypto.randomUUID(),
        hosts: [host],
        program: 'sh',
        args: [
          '-c',
          script.replace('$((RANDOM_MS))', String(1 + Math.floor(random() * 3))),
          'sh',
          `entry-${number}`,
        ],
        timeoutMs: 600_000,
      }
      const [command] = await insist(() => api.run(request))
      if (command) accepted.push({ id: command.id, host })
      if (accepted.length % 50 === 0) log(`${accepted.length} commands accepted, ${totalOf(kills)} kills`)
    }
  }
  const kill = async () => {
    while (!isDone && totalOf(kills) < plan.kills) {
      await delay(FAULT_PAUSE_MS + random() * FAULT_PAUSE_MS * 6)
      const victim = pick(['server', 'agent', 'agent', 'database'] as const, random)
      const wasUp = victim === 'agent' ? killAgent(pick(hosts, random)) : strike(victim, server)
      if (await wasUp) kills[victim]++
    }
  }
  const killing = kill()
  await Promise.all(Array.from({ length: SENDERS }, send))
  await killing
  isDone = true

  const commands = await Promise.all(accepted.map(({ id }) => api.ended(id, 300_000)))
  const result = await compare(api, hosts, commands)
  return { commands: commands.length, kills, ...result, seconds: (performance.now() - started) / 1000 }
}

/** False when it was already down. */
async function killAgent(host: Host): Promise<boolean> {
  const kill = ['systemctl', 'kill', '--signal=KILL', '--kill-who=main', 'rollcall-agent.service']
  return (await host.exec(kill)).exitCode === 0
}

async function compare(api: Api, hosts: readonly Host[], commands: readonly CommandView[]) {
  const entries = new Map<string, number>()
  for (const host of hosts)
    for (const line of (await host.exec(['cat', LEDGER])).stdout.split('\n').filter(Boolean))
      entries.set(`${host.name} ${line}`, (entries.get(`${host.name} ${line}`) ?? 0) + 1)
  const [lost, doubled, untrue]: [string[], string[], string[]] = [[], [], []]
  for (const command of commands) {
    const entry = command.args.at(-1)
    const times = entries.get(`${command.host.name} ${entry}`) ?? 0
    const expected = Array.from({ length: LINES_PER_COMMAND }, (_, i) => `${entry} ${i + 1}\n`).join('')
    const output = await insist(() => api.text(command.id))
    if (times === 0) lost.push(command.id)
    if (times > 1) doubled.push(command.id)
    if (command.state !== 'success' || command.exitCode !== 0 || output !== expected)
      untrue.push(`${command.id}: ${command.state} ${command.reasonCode} ${JSON.stringify(output)}`)
  }
  return { lost, doubled, untrue }
}
