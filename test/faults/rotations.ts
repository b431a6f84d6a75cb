import { setTimeout as delay } from 'node:timers/promises'
import { poll } from '../bed/poll.ts'
import { ServerData } from '../load/seed.ts'
import type { SimulatedSetting } from '../load/simulated-setting.ts'
import { pick, randomOf } from './random.ts'
import { insist, strike, totalOf } from './strike.ts'

/** The chance that an agent dies right before or after each of the five writes of a rotation: about one rotation in four. */
const DEATH_AT_WRITE = 0.03
const KILL_PAUSE_MS = 1500
const ROUND_TIMEOUT_MS = 600_000
const COMMAND_TIMEOUT_MS = 120_000

export interface RotationPlan {
  seed: number
  /** At least so many: whole rounds over all agents. */
  rotations: number
  kills: number
}

export interface RotationResult {
  /** Rotations that have ended, by the history of the hosts. */
  rotations: number
  kills: Record<Victim, number>
  agentDeaths: number
  /** Hosts on which no command runs any more. */
  lost: string[]
  /** Hosts that were said to refuse the server, or to be somebody else. */
  accused: string[]
  seconds: number
}

const VICTIMS = ['server', 'database'] as const
type Victim = (typeof VICTIMS)[number]

/**
 * Rotates the credentials of all agents of a setting, again and again, while their processes die at writes and the server and its
 * database are killed at random moments; then runs a command on each.
 */
export async function runRotations(
  { api, server, simulator }: SimulatedSetting,
  plan: RotationPlan,
  log: (line: string) => void,
): Promise<RotationResult> {
  const random = randomOf(plan.seed)
  const everybody = [...simulator.agents.keys()]
  const started = performance.now()
  const kills = { server: 0, database: 0 }
  let begun = 0
  let isDone = false

  const underWay = async () => {
    const { hosts } = await api.call('listRotations')
    return hosts.filter(({ rotation }) => rotation !== null).length
  }
  const rotate = async () => {
    while (begun < plan.rotations) {
      await insist(() => api.call('startRotation', { body: { all: true } }))
      begun += everybody.length
      await poll(async () => (await insist(underWay)) === 0, {
        timeoutMs: ROUND_TIMEOUT_MS,
        everyMs: 250,
        what: 'every rotation to come to its end',
      })
      log(`${begun} rotations, ${totalOf(kills)} kills`)
    }
  }
  const kill = async () => {
    while (!isDone && totalOf(kills) < plan.kills) {
      await delay(KILL_PAUSE_MS + random() * KILL_PAUSE_MS * 2)
      // Spread over the whole run, so that no part of it is without any.
      if (begun / plan.rotations < totalOf(kills) / plan.kills) continue
      const victim = pick(VICTIMS, random)
      if (await strike(victim, server)) kills[victim]++
    }
  }
  await simulator.behave(everybody, { deathAtWrite: DEATH_AT_WRITE })
  const killing = kill()
  try {
    await rotate()
  } finally {
    isDone = true
    await killing
    await simulator.behave(everybody, {})
  }

  const names = simulator.agents.map(({ name }) => name)
  const commands = await insist(() => api.run({ hosts: names, program: 'true', args: [] }))
  const ended = await Promise.all(commands.map(({ id }) => api.ended(id, COMMAND_TIMEOUT_MS)))
  const reached = ended.filter(({ state }) => state === 'success').map(({ host }) => host.name)
  await using data = await ServerData.open(server)
  const events = (where: string) =>
    data.query<{ name: string }>(`SELECT host_name AS name FROM host_event WHERE ${where}`)
  const rotated = await events(`reason LIKE '%credentials were rotated%'`)
  const accused = await events(`to_state IN ('credentials_refused', 'identity_changed')`)
  return {
    rotations: rotated.length,
    kills,
    agentDeaths: (await simulator.state()).deaths,
    lost: names.filter((name) => !reached.includes(name)),
    accused: [...new Set(accused.map(({ name }) => name))],
    seconds: (performance.now() - started) / 1000,
  }
}
