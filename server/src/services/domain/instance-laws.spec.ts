import { RETRY_POLICIES } from '@rollcall/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Instance, InstanceHost, KnownReport } from './driven-instance.ts'
import type { InstanceMove } from './instance-move.ts'
import { instanceStep } from './instance-step.ts'
import { type StepOutcome, withBegunStep, withNote, withOutcome } from './step-outcome.ts'
import { AT, HOST, later, newInstance } from './testing/instances.ts'

/** An instance, its host and what that has said, as they go on from event to event. */
class World {
  instance = newInstance()
  host: InstanceHost = HOST
  report: KnownReport | null = null
  now = AT
  readonly sent: { step: string; generation: number }[] = []

  /** Does what is due, as the reconciler does. Returns the move after which there is nothing more to do. */
  advance(): InstanceMove {
    for (let notes = 0; notes < 3; notes++) {
      const move = instanceStep(this, this.report, this.now)
      if (move.do === 'wait') return move
      if (move.do === 'note') {
        this.instance = { ...this.instance, ...withNote(this.instance, move) }
        continue
      }
      expect(this.instance.step).toBeNull()
      expect(this.host.isAnswering && !this.host.isBusy).toBe(true)
      this.instance = { ...this.instance, ...withBegunStep(this.instance, move.step, 'command', this.now) }
      this.sent.push({ step: move.step, generation: this.instance.generation })
      return move
    }
    throw new Error(`notes without end: ${JSON.stringify(this.instance)}`)
  }

  end(outcome: 'done' | 'failed' | 'unknown instance'): void {
    const at = this.now
    const failed: StepOutcome = {
      isDone: false,
      at,
      code: outcome === 'failed' ? 'agent.unreachable' : null,
      reason: 'it failed',
      isCancelled: false,
    }
    this.instance = {
      ...this.instance,
      ...withOutcome(this.instance, outcome === 'done' ? { isDone: true, at } : failed, 0.5),
    }
  }

  /** Has the host say truthfully what the steps have reached. */
  reportTruly(): void {
    const { begunGeneration: generation } = this.instance
    if (generation === 0) return
    this.report = {
      kind: 'reported',
      at: this.now,
      said: { generation, state: 'running', health: 'success', reason: null },
    }
  }

  order(changes: Partial<Instance>): void {
    this.instance = { ...this.instance, failures: null, ...changes }
  }
}

const RUNS = { numRuns: 500 }

const wanted = fc.constantFrom('running' as const, 'stopped' as const, 'gone' as const)
const reported = fc.record({
  generation: fc.integer({ min: 1, max: 12 }),
  state: fc.constantFrom(
    'prepared',
    'starting',
    'running',
    'stopping',
    'stopped',
    'failed',
    'finished',
    'held',
  ),
  health: fc.constantFrom('success', 'partial', 'failed', 'recovering', 'unknown'),
  reason: fc.constantFrom(null, 'web: 503'),
}) as fc.Arbitrary<Extract<KnownReport, { kind: 'reported' }>['said']>

const event = fc.oneof(
  fc
    .constantFrom('done' as const, 'failed' as const, 'unknown instance' as const)
    .map((outcome) => (world: World) => {
      if (world.instance.step) world.end(outcome)
    }),
  fc.integer({ min: 0, max: 90_000 }).map((ms) => (world: World) => {
    world.now = later(ms, world.now)
  }),
  reported.map((said) => (world: World) => {
    world.report = { kind: 'reported', at: world.now, said }
  }),
  fc.constant((world: World) => {
    world.report = { kind: 'absent', at: world.now }
  }),
  wanted.map((wanted) => (world: World) => world.order({ wanted })),
  fc.constant((world: World) => world.order({ generation: world.instance.generation + 1 })),
  fc.constant((world: World) => world.order({ isRestartWanted: true })),
  fc.record({ isAnswering: fc.boolean(), isBusy: fc.boolean() }).map((state) => (world: World) => {
    world.host = { ...HOST, ...state }
  }),
)

const world = fc.array(event, { maxLength: 40 }).map((events) => {
  const made = new World()
  for (const happen of events) {
    happen(made)
    made.advance()
  }
  return made
})

/** Brings a world to rest with a host that answers and does all it is told, or nothing. Returns how many steps that took. */
function settleWorld(world: World, outcome: 'done' | 'failed'): number {
  world.host = HOST
  world.report = null
  const before = world.sent.length
  for (let turns = 0; turns < 100; turns++) {
    if (world.instance.step) world.end(outcome)
    if (outcome === 'done') world.reportTruly()
    const move = world.advance()
    if (move.do === 'wait' && move.until === null) return world.sent.length - before
    world.now = move.do === 'wait' && move.until ? move.until : later(1, world.now)
  }
  throw new Error(`it does not end: ${JSON.stringify(world.instance)}`)
}

describe('laws of the steps of an instance', () => {
  it('no instance ever has two steps at once, and no step goes to a host that does not answer', () => {
    // `advance` expects both of every move.
    fc.assert(
      fc.property(world, (made) => made.sent.length >= 0),
      RUNS,
    )
  })

  it('every stop and removal names a generation that no start has passed', () => {
    fc.assert(
      fc.property(world, ({ sent }) => {
        let begun = 0
        for (const { step, generation } of sent) {
          expect(generation).toBeGreaterThanOrEqual(begun)
          if (step === 'start' || step === 'restart') begun = generation
        }
      }),
      RUNS,
    )
  })

  it('a report of an older generation changes nothing', () => {
    fc.assert(
      fc.property(world, reported, (made, said) => {
        const { generation, begunGeneration } = made.instance
        fc.pre(said.generation < generation && made.instance.wanted === 'running')
        const report: KnownReport = { kind: 'reported', at: made.now, said }
        const withIt = instanceStep(made, report, made.now)
        expect(withIt).toEqual(instanceStep(made, null, made.now))
        expect(begunGeneration).toBeLessThanOrEqual(generation)
      }),
      RUNS,
    )
  })

  it('what is missing on its host is never stopped or started for that', () => {
    fc.assert(
      fc.property(world, (made) => {
        const heard = instanceStep(made, { kind: 'absent', at: made.now }, made.now)
        const unheard = instanceStep(made, null, made.now)
        if (heard.do === 'command') expect(unheard).toEqual(heard)
      }),
      RUNS,
    )
  })

  it('every instance reaches what is wanted of it on a host that does what it is told', () => {
    fc.assert(
      fc.property(world, (made) => {
        made.order({})
        expect(settleWorld(made, 'done')).toBeLessThanOrEqual(4)
        const { wanted: want, state, generation, startedGeneration } = made.instance
        if (want === 'running' && state !== 'gone') expect(startedGeneration).toBe(generation)
        expect(state).toBe(state === 'gone' ? 'gone' : want)
      }),
      RUNS,
    )
  })

  it('every instance comes to rest on a host that fails, after a bounded number of tries', () => {
    fc.assert(
      fc.property(world, (made) => {
        expect(settleWorld(made, 'failed')).toBeLessThanOrEqual(RETRY_POLICIES.instance.maxRetries + 2)
        expect(['failed', 'running', 'stopped', 'gone', 'finished']).toContain(made.instance.state)
      }),
      RUNS,
    )
  })
})
