import { describe, expect, it } from 'vitest'
import { Clock } from '../platform/clock/clock.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { HeartbeatEngine } from './heartbeat-engine.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'
import type { Claimed, Membership, Result } from './roll.repository.ts'
import type { Round } from './roll-caller.ts'

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
  readonly stored: Result[] = []
  readonly begunMs: number[] = []
  /** What the database refuses. */
  poison = new Set<string>()
  enrol = async () => undefined
  renewals = 0
  facts: object = { version: 1 }
  private readonly works = new Map<string, () => Promise<void>>()
  readonly engine: HeartbeatEngine

  constructor(count: number, owner: string | null = null) {
    this.agents = Array.from({ length: count }, (_, i) => ({ hostId: `host-${i}`, dueMs: START, owner }))
    const repeater = {
      repeat: async (what: string, _intervalMs: number, _signal: AbortSignal, work: () => Promise<void>) => {
        this.works.set(what, work)
      },
    }
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (what: unknown) => this.errors.push(what),
    }
    this.engine = new HeartbeatEngine(
      this.roll() as never,
      { call: (agent: Claimed) => this.call(agent) } as never,
      { callSoon: () => undefined, forget: () => undefined, forgetAllBut: () => undefined } as never,
      this.clock(),
      repeater as never,
      new HeartbeatMetrics(new Metrics(log as never)),
      'us',
      log as never,
    )
  }

  async look(): Promise<void> {
    await this.works.get('looking for agents that are due')?.()
  }
  async renew(): Promise<void> {
    await this.works.get('sharing out agents')?.()
  }
  async store(): Promise<void> {
    await this.works.get('storing heartbeats')?.()
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
      callBack: async () => undefined,
      owned: async () => new Set<string>(),
      leave: async () => undefined,
      letGo: async () => [],
      renew: async (): Promise<Membership> => {
        this.renewals += 1
        const owned = this.agents.filter(({ owner }) => owner === 'us').length
        const total = this.agents.length
        return { servers: 1, total, owned, ratePerS: owned / MEAN_S, shareRatePerS: total / MEAN_S }
      },
      claim: async (_server: string, now: Date, wanted: { after: Date; until: Date; limit: number }) =>
        this.agents
          .filter(({ dueMs }) => dueMs > wanted.after.getTime() && dueMs <= wanted.until.getTime())
          .slice(0, wanted.limit)
          .map((agent) => this.claimed(agent, now)),
      store: async (_server: string, results: Result[]) => {
        if (results.some(({ hostId }) => this.poison.has(hostId)))
          throw Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' })
        this.stored.push(...results)
        return []
      },
    }
  }

  private claimed(agent: Agent, now: Date): Claimed {
    const claimed = {
      hostId: agent.hostId,
      plannedAt: new Date(agent.dueMs),
      isNew: agent.owner !== 'us',
      state: 'online',
    }
    agent.dueMs = Math.max(agent.dueMs, now.getTime()) + (20 + 40 * Math.random()) * 1000
    agent.owner = 'us'
    return { ...claimed, stateCode: null, failedTasks: 0, failedTaskAt: null } as Claimed
  }

  private async call({ plannedAt }: Claimed): Promise<Round> {
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
    await stage.engine.start()
    for (let step = 0; step < seconds * 2; step++) {
      if (step % 4 === 0) await stage.renew()
      await stage.look()
      stage.nowMs += 500
    }
  }

  it.each([null, 'a server that is gone'])(
    'is called within 65 s by a server that had none of them: %s',
    async (owner) => {
      const stage = new Stage(4000, owner)
      for (const agent of stage.agents) agent.dueMs -= 600_000
      await minutes(stage, 65)
      expect(stage.agents.filter(({ dueMs }) => dueMs < START)).toEqual([])
      expect(mostInOneSecond(stage.begunMs)).toBeLessThanOrEqual(2 * (4000 / MEAN_S))
    },
  )

  it.each([300, 900, 1500, 10_000])('is called without a burst after a pause of %d ms', async (pauseMs) => {
    const stage = new Stage(4000, 'us')
    for (const agent of stage.agents) agent.dueMs = START - pauseMs + Math.random() * MEAN_S * 1000
    await minutes(stage, 30)
    // What chance alone adds to an even flow: five standard deviations.
    const even = 4000 / MEAN_S
    expect(mostInOneSecond(stage.begunMs)).toBeLessThanOrEqual(2 * even + 5 * Math.sqrt(even))
  })
})

describe('storing what was seen', () => {
  it('goes on for all others when the database refuses what one of them said', async () => {
    const stage = new Stage(20)
    stage.poison.add('host-7')
    await stage.engine.start()
    await stage.renew()
    for (let i = 0; i < 20; i++) {
      await stage.look()
      stage.nowMs += 500
    }
    await stage.store()
    const stored = new Set(stage.stored.map(({ hostId }) => hostId))
    expect(stored.size).toBe(19)
    expect(stored.has('host-7')).toBe(false)
    expect(stage.errors).toEqual([expect.objectContaining({ hostId: 'host-7' })])
  })

  it('writes facts only when they are new, and again when another server had the agent meanwhile', async () => {
    const stage = new Stage(1)
    await stage.engine.start()
    const [agent] = stage.agents as [Agent]
    const round = async () => {
      agent.dueMs = stage.nowMs
      await stage.renew()
      await stage.look()
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

it('the lease is renewed though nobody can be put on the roll', async () => {
  const stage = new Stage(3, 'us')
  stage.enrol = () => Promise.reject(new Error('a host was removed meanwhile'))
  await expect(stage.engine.start()).rejects.toThrow('removed')
  expect(stage.renewals).toBe(1)
})
