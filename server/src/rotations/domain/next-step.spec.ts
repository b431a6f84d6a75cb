import { describe, expect, it } from 'vitest'
import { nextStep, type RotationAnswer, type RotationCall, type RotationPhase } from './next-step.ts'

describe('nextStep', () => {
  it('whoever takes a rotation over asks first, by the set that works in its phase', () => {
    expect((['made', 'staged', 'switched'] as const).map((phase) => nextStep(phase, null))).toEqual([
      { do: 'call', call: 'stage_by_old' },
      { do: 'call', call: 'try_new' },
      { do: 'call', call: 'commit_by_new' },
    ])
  })

  it('nobody calls with the new set before it has worked, and the old one is kept until the agent has dropped it', () => {
    const after = (phase: RotationPhase, call: RotationCall) => nextStep(phase, { call, answer: 'done' })
    expect(after('made', 'stage_by_old')).toEqual({ do: 'store', phase: 'staged' })
    expect(after('staged', 'try_new')).toEqual({ do: 'store', phase: 'switched' })
    expect(after('switched', 'commit_by_new')).toEqual({ do: 'finish' })
  })

  it.each(['made', 'staged', 'switched'] as const)(
    'an answer that never came changes nothing in phase %s',
    (phase) => {
      for (const call of ['stage_by_old', 'try_new', 'commit_by_new', 'try_old'] as const)
        expect(nextStep(phase, { call, answer: 'failed' })).toEqual({ do: 'wait' })
    },
  )

  it('an old set that is refused is no reason to give up: the new one is tried, and the other way round', () => {
    expect(nextStep('made', { call: 'stage_by_old', answer: 'refused' })).toEqual({
      do: 'call',
      call: 'try_new',
    })
    expect(nextStep('switched', { call: 'commit_by_new', answer: 'refused' })).toEqual({
      do: 'call',
      call: 'try_old',
    })
    expect(nextStep('made', { call: 'try_new', answer: 'refused' })).toEqual({ do: 'wait' })
    expect(nextStep('switched', { call: 'try_old', answer: 'refused' })).toEqual({ do: 'wait' })
  })
})

type SetId = number
/** An agent with what its disk holds, as `agent/src/credentials` keeps it; sets are numbers. */
class ModelAgent {
  isAway = false
  isProven = false
  constructor(
    public present: SetId,
    public staged: { id: number; set: SetId } | null = null,
    public committed: number | null = null,
  ) {}

  /** `name` is the TLS server name: under the staged one its certificate is shown, under every other that of the present set. */
  call(
    by: SetId,
    name: 'usual' | 'staged',
    what: { stage?: SetId; commit?: true; id: number },
  ): RotationAnswer {
    if (this.isAway) return 'failed'
    const shown = name === 'staged' && this.staged ? this.staged.set : this.present
    if (shown !== by) return 'refused'
    if (by === this.staged?.set) this.isProven = true
    if (what.stage !== undefined && this.committed !== what.id) {
      if (this.staged?.id === what.id && this.staged.set !== what.stage) return 'failed'
      this.staged = { id: what.id, set: what.stage }
      this.isProven = false
    }
    if (what.commit && this.committed !== what.id) {
      if (this.staged?.id !== what.id) return 'not_staged'
      if (!this.isProven) return 'failed'
      this.present = this.staged.set
      this.staged = null
      this.committed = what.id
    }
    return 'done'
  }

  restart(): void {
    this.isProven = false
  }
}

/** The server's database as it knows one agent. */
interface Stored {
  present: SetId
  rotation: { id: number; phase: RotationPhase; other: SetId } | null
}

class Died extends Error {}

/** The same numbers for the same seed. */
function randomBy(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const isReached = (agent: ModelAgent, { present, rotation }: Stored): boolean =>
  agent.call(present, rotation?.phase === 'switched' ? 'staged' : 'usual', { id: -1 }) === 'done'

/** One call as the driver makes it; the agent may be killed before or after it, and the answer be lost. */
function callOf(agent: ModelAgent, stored: Stored, call: RotationCall, random: () => number): RotationAnswer {
  const { present, rotation } = stored
  if (!rotation) throw new Error('nothing is rotated')
  const { id, phase, other } = rotation
  const [older, newer] = phase === 'switched' ? [other, present] : [present, other]
  if (random() < 0.1) agent.restart()
  if (random() < 0.05) return 'failed'
  const answer = {
    stage_by_old: () => agent.call(older, 'usual', { id, stage: newer }),
    try_new: () => agent.call(newer, 'staged', { id }),
    commit_by_new: () => agent.call(newer, 'staged', { id, commit: true }),
    try_old: () => agent.call(older, 'usual', { id }),
  }[call]()
  if (random() < 0.1) agent.restart()
  return random() < 0.1 ? 'failed' : answer
}

function store(stored: Stored, phase: RotationPhase): void {
  const { rotation } = stored
  if (!rotation) throw new Error('nothing is rotated')
  if ((rotation.phase === 'switched') !== (phase === 'switched'))
    [stored.present, rotation.other] = [rotation.other, stored.present]
  rotation.phase = phase
}

/** One turn of the driver; the server may die between any two steps. Calls `after` after each. */
function turn(agent: ModelAgent, stored: Stored, random: () => number, after: () => void): void {
  let last: { call: RotationCall; answer: RotationAnswer } | null = null
  for (let count = 0; count < 10 && stored.rotation; count++) {
    const step = nextStep(stored.rotation.phase, last)
    if (step.do === 'wait') return
    if (step.do === 'call') last = { call: step.call, answer: callOf(agent, stored, step.call, random) }
    else {
      if (step.do === 'finish') stored.rotation = null
      else store(stored, step.phase)
      last = null
    }
    after()
    if (random() < 0.1) throw new Died()
  }
}

describe('ten thousand rotations across a simulated fleet', () => {
  const AGENTS = 100
  const ROUNDS = 100

  it('lose no agent, whatever dies between any two steps and whichever answers are lost', () => {
    const random = randomBy(7)
    let [nextSet, nextId, finished, deaths, installations] = [0, 0, 0, 0, 0]
    const fleet = Array.from({ length: AGENTS }, () => {
      const set = nextSet++
      return { agent: new ModelAgent(set), stored: { present: set, rotation: null } as Stored }
    })
    for (let round = 0; round < ROUNDS; round++)
      for (const { agent, stored } of fleet) {
        const before = stored.present
        stored.rotation = { id: nextId++, phase: 'made', other: nextSet++ }
        for (let turns = 0; stored.rotation; turns++) {
          expect(turns).toBeLessThan(200)
          agent.isAway = random() < 0.1
          // Installed anew, with what the server calls it with; it loses what was staged.
          if (random() < 0.03) {
            Object.assign(agent, new ModelAgent(stored.present))
            installations++
          }
          try {
            turn(agent, stored, random, () => {
              const isHere = new ModelAgent(agent.present, agent.staged, agent.committed)
              expect(isReached(isHere, stored)).toBe(true)
            })
          } catch (error) {
            if (!(error instanceof Died)) throw error
            deaths++
          }
        }
        expect(agent.present).toBe(stored.present)
        expect(stored.present).not.toBe(before)
        expect(agent.staged).toBeNull()
        finished++
      }
    expect(finished).toBe(AGENTS * ROUNDS)
    // Otherwise the model would show nothing.
    expect(deaths).toBeGreaterThan(1000)
    expect(installations).toBeGreaterThan(100)
  })

  it('find an agent that was set back to an earlier disk while the old credentials are still kept', () => {
    const random = () => 1
    for (const phase of ['made', 'staged', 'switched'] as const) {
      const agent = new ModelAgent(0)
      const stored: Stored =
        phase === 'switched'
          ? { present: 1, rotation: { id: 5, phase, other: 0 } }
          : { present: 0, rotation: { id: 5, phase, other: 1 } }
      turn(agent, stored, random, () => undefined)
      expect([agent.present, stored.present, stored.rotation]).toEqual([1, 1, null])
    }
  })
})
