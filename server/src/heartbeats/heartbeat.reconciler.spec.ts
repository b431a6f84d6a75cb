import { describe, expect, it } from 'vitest'
import { Clock } from '../platform/clock/clock.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { runOnce } from '../platform/testing/run-tasks.ts'
import { AgentShares } from './agent-shares.reconciler.ts'
import type { Membership } from './domain/pace.ts'
import type { ClaimedTarget, HeartbeatResult } from './domain/roll.ts'
import { HeartbeatReconciler } from './heartbeat.reconciler.ts'
import type { Round } from './heartbeat-caller.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'
import { HeartbeatResults } from './heartbeat-results.reconciler.ts'

const MEAN_S = 40
const START = Date.parse('2026-11-21T10:00:00Z')

interface Agent {
  hostId: string
  dueMs: number
  owner: string | null
}

/** A roll in memory, and a clock that goes only when it is told to. */
class Stage {
  nowMs = START
  readonly agents: Agent[]
  readonly errors: unknown[] = []
  readonly stored: HeartbeatResult[] = []
  readonly begunMs: number[] = []
  /** Hosts whose results the database refuses. */
  poison = new Set<string>()
  enrol = async () => undefined
  facts: object = { version: 1 }
  private readonly results: HeartbeatResults
  private readonly shares: AgentShares
  private readonly heartbeats: HeartbeatReconciler

  constructor(count: number, owner: string | null = null) {
    this.agents = Array.from({ length: count }, (_, i) => ({ hostId: `host-${i}`, dueMs: START, owner }))
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (what: unknown) => this.errors.push(what),
    }
    const roll = this.roll() as never
    const agents = {
      forget: () => undefined,
      forgetAllBut: () => undefined,
    } as never
    const caller = { call: (target: ClaimedTarget) => this.call(target) } as never
    const metrics = new HeartbeatMetrics(new Metrics(log as never))
    this.results = new HeartbeatResults({ store: this.keep } as never, 'us', log as never)
    this.shares = new AgentShares(roll, this.results, agents, 'us')
    this.heartbeats = new HeartbeatReconciler(
      roll,
      this.shares,
      caller,
      this.results,
      { requestNow: () => undefined } as never,
      this.clock(),
      metrics,
      'us',
      log as never,
    )
  }

  tick(): Promise<void> {
    return runOnce(this.heartbeats, new Date(this.nowMs))
  }
  share(): Promise<void> {
    return runOnce(this.shares, new Date(this.nowMs))
  }
  store(): Promise<void> {
    return runOnce(this.results, new Date(this.nowMs))
  }

  private clock(): Clock {
    const stage = this
    return new (class extends Clock {
      override now() {
        return new Date(stage.nowMs)
      }
      override sleep() {
        return Promise.resolve()
      }
    })()
  }

  private roll() {
    return {
      enrol: () => this.enrol(),
      rescheduleAfterClockJump: async () => undefined,
      owned: async () => new Set<string>(),
      releaseAgents: async () => [],
      membership: async (): Promise<Membership> => {
        const owned = this.agents.filter(({ owner }) => owner === 'us').length
        const total = this.agents.length
        return { servers: 1, total, owned, ratePerS: owned / MEAN_S, shareRatePerS: total / MEAN_S }
      },
      acquire: async (_server: string, now: Date, wanted: { after: Date; until: Date; limit: number }) =>
        this.agents
          .filter(({ dueMs }) => dueMs > wanted.after.getTime() && dueMs <= wanted.until.getTime())
          .slice(0, wanted.limit)
          .map((agent) => this.claimed(agent, now)),
    }
  }

  private readonly keep = async (_server: string, results: HeartbeatResult[]): Promise<string[]> => {
    if (results.some(({ hostId }) => this.poison.has(hostId)))
      throw Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' })
    this.stored.push(...results)
    return []
  }

  private claimed(agent: Agent, now: Date): ClaimedTarget {
    const claimed = {
      hostId: agent.hostId,
      plannedAt: new Date(agent.dueMs),
      isNew: agent.owner !== 'us',
      state: 'online',
    }
    agent.dueMs = Math.max(agent.dueMs, now.getTime()) + (20 + 40 * Math.random()) * 1000
    agent.owner = 'us'
    return { ...claimed, stateCode: null, failedTasks: 0, failedTaskAt: null } as ClaimedTarget
  }

  private async call({ plannedAt }: ClaimedTarget): Promise<Round> {
    this.begunMs.push(Math.max(plannedAt.getTime(), this.nowMs))
    const seen = { kind: 'answered', at: new Date(this.nowMs), cpuPercent: 1, memoryPercent: 1 } as const
    return { seen, report: { vitals: {}, facts: this.facts, roundTripMs: 1, clockOffsetMs: 0 } as never }
  }
}

const mostInOneSecond = (times: number[]) => {
  const sorted = times.toSorted((a, b) => a - b)
  let from = 0
  return Math.max(
    ...sorted.map((at, to) => {
      while (at - (sorted[from] ?? 0) >= 1000) from++
      return to - from + 1
    }),
  )
}

describe('the roll of agents that were missed', () => {
  const minutes = async (stage: Stage, seconds: number) => {
    await stage.share()
    for (let step = 0; step < seconds * 2; step++) {
      if (step % 4 === 0) await stage.share()
      await stage.tick()
      stage.nowMs += 500
    }
  }

  it.each([null, 'a server that is gone'])(
    'agents that were missed are called within 65 s by a server that held none of them: %s',
    async (owner) => {
      const stage = new Stage(4000, owner)
      for (const agent of stage.agents) agent.dueMs -= 600_000
      await minutes(stage, 65)
      expect(stage.agents.filter(({ dueMs }) => dueMs < START)).toEqual([])
      expect(mostInOneSecond(stage.begunMs)).toBeLessThanOrEqual(2 * (4000 / MEAN_S))
    },
  )

  it.each([300, 900, 1500, 10_000])(
    'agents that were missed are called without a burst after a pause of %d ms',
    async (pauseMs) => {
      const stage = new Stage(4000, 'us')
      for (const agent of stage.agents) agent.dueMs = START - pauseMs + Math.random() * MEAN_S * 1000
      await minutes(stage, 30)
      // What chance alone adds to an even flow: five standard deviations.
      const even = 4000 / MEAN_S
      expect(mostInOneSecond(stage.begunMs)).toBeLessThanOrEqual(2 * even + 5 * Math.sqrt(even))
    },
  )
})

describe('storing what was seen', () => {
  it('results of all others are stored when the database refuses one', async () => {
    const stage = new Stage(20)
    stage.poison.add('host-7')
    await stage.share()
    await stage.share()
    for (let i = 0; i < 20; i++) {
      await stage.tick()
      stage.nowMs += 500
    }
    await stage.store()
    const stored = new Set(stage.stored.map(({ hostId }) => hostId))
    expect(stored.size).toBe(19)
    expect(stored.has('host-7')).toBe(false)
    expect(stage.errors).toEqual([expect.objectContaining({ hostId: 'host-7' })])
  })

  it('facts are stored only when they are new, and again after another server held the agent', async () => {
    const stage = new Stage(1)
    await stage.share()
    const [agent] = stage.agents as [Agent]
    const round = async () => {
      agent.dueMs = stage.nowMs
      await stage.share()
      await stage.tick()
      await stage.store()
      return stage.stored.at(-1)?.report?.facts
    }
    expect(await round()).toEqual({ version: 1 })
    expect(await round()).toBeUndefined()
    agent.owner = 'another server'
    expect(await round()).toEqual({ version: 1 })
    stage.facts = { version: 2 }
    expect(await round()).toEqual({ version: 2 })
  })
})

it('no agent is called before it is known how many a server should own', async () => {
  const stage = new Stage(3)
  await stage.tick()
  expect(stage.begunMs).toEqual([])
  await stage.share()
  await stage.tick()
  expect(stage.begunMs).toHaveLength(3)
})
