import pino from 'pino'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SystemClock } from '../clock/clock.ts'
import { ConcurrentUpdateError } from '../leases/concurrent-update-error.ts'
import { Metrics } from '../metrics/metrics.ts'
import { BackgroundTasks } from './background-tasks.ts'
import { Reconciler, type Requeue } from './reconciler.ts'
import { TaskMetrics } from './task-metrics.ts'

class Probe extends Reconciler {
  override readonly name: string
  override readonly intervalMs = 1000
  override readonly minPauseMs: number
  runs = 0
  signal: AbortSignal | undefined
  isDrained = false
  work: () => Promise<void> | Promise<Requeue> = async () => undefined

  constructor({ name = 'probe', minPauseMs = 0 } = {}) {
    super()
    this.name = name
    this.minPauseMs = minPauseMs
  }

  override reconcile(_now: Date, signal: AbortSignal) {
    this.runs++
    this.signal = signal
    return this.work()
  }

  override async drain() {
    this.isDrained = true
  }
}

class Loop extends Reconciler {
  override readonly name = 'loop'
  override readonly intervalMs = 1000
  readonly done: string[] = []
  readonly reported: string[] = []
  readonly failures = new Map<string, Error>()
  readonly stopping = new AbortController()

  override reconcile() {
    const work = async (item: string) => {
      const failure = this.failures.get(item)
      if (failure) throw failure
      this.done.push(item)
      if (item === 'last') this.stopping.abort()
    }
    return this.forEach(
      ['a', 'late', 'b', 'broken', 'c', 'last', 'd'],
      this.stopping.signal,
      work,
      (_, item) => this.reported.push(item),
    )
  }
}

it('an item that fails is reported and stops no other, one of another server is not, and none comes after the end', async () => {
  const loop = new Loop()
  loop.failures.set('broken', new Error('broken')).set('late', new ConcurrentUpdateError())
  await loop.reconcile()
  expect([loop.done, loop.reported]).toEqual([['a', 'b', 'c', 'last'], ['broken']])
})

const log = pino({ level: 'silent' })
let metrics: Metrics

function tasksOf(...probes: unknown[]): BackgroundTasks {
  metrics = new Metrics(log)
  const discovery = { getProviders: () => probes.map((instance) => ({ instance }) as never) }
  return new BackgroundTasks(discovery, new SystemClock(), new TaskMetrics(metrics), log)
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(() => vi.useRealTimers())

it('every reconciler among the providers runs at once and then after each interval, and other providers do not', async () => {
  const probe = new Probe()
  const tasks = tasksOf(probe, {}, null, probe)
  tasks.start()
  await vi.advanceTimersByTimeAsync(0)
  expect(probe.runs).toBe(1)
  await vi.advanceTimersByTimeAsync(2999)
  expect(probe.runs).toBe(3)
  await tasks.stop()
})

it('a run that takes longer than its interval is never joined by a second one', async () => {
  const probe = new Probe()
  const run = Promise.withResolvers<void>()
  probe.work = () => run.promise
  const tasks = tasksOf(probe)
  tasks.start()
  probe.wake()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(probe.runs).toBe(1)
  run.resolve()
  await vi.advanceTimersByTimeAsync(0)
  expect(probe.runs, 'the wake during the run is not lost').toBe(2)
  await tasks.stop()
})

it('many wakes between two runs make one run, no earlier than the minimal pause', async () => {
  const probe = new Probe({ minPauseMs: 100 })
  const tasks = tasksOf(probe)
  tasks.start()
  await vi.advanceTimersByTimeAsync(0)
  for (let i = 0; i < 50; i++) probe.wake()
  await vi.advanceTimersByTimeAsync(99)
  expect(probe.runs).toBe(1)
  await vi.advanceTimersByTimeAsync(500)
  expect(probe.runs).toBe(2)
  await tasks.stop()
})

it('a run that fails is counted and repeated, and stops neither itself nor others', async () => {
  const [bad, good] = [new Probe({ name: 'bad' }), new Probe({ name: 'good' })]
  bad.work = async (): Promise<void> => {
    throw new Error('the database is away')
  }
  const tasks = tasksOf(bad, good)
  tasks.start()
  await vi.advanceTimersByTimeAsync(2500)
  expect([bad.runs, good.runs]).toEqual([3, 3])
  const [failing, well] = tasks.statuses()
  expect(failing).toMatchObject({ name: 'bad', failuresInARow: 3, failingSince: expect.any(Date) })
  expect(well).toMatchObject({ name: 'good', failuresInARow: 0, failingSince: null })
  const text = await metrics.text()
  expect(text).toContain('rollcall_background_runs_total{task="bad",outcome="failure"} 3')
  expect(text).toContain('rollcall_background_runs_total{task="good",outcome="success"} 3')
  bad.work = async () => undefined
  await vi.advanceTimersByTimeAsync(1000)
  expect(tasks.statuses()[0]).toMatchObject({ failuresInARow: 0, failingSince: null })
  await tasks.stop()
})

it('a run may ask for the next one sooner than after the interval', async () => {
  const probe = new Probe()
  probe.work = async () => ({ requeueAfterMs: 10 })
  const tasks = tasksOf(probe)
  tasks.start()
  await vi.advanceTimersByTimeAsync(100)
  expect(probe.runs).toBe(11)
  await tasks.stop()
})

it('stopping waits for the run under way and for what outlives it, and starts no other', async () => {
  const probe = new Probe()
  const run = Promise.withResolvers<void>()
  probe.work = () => run.promise
  const tasks = tasksOf(probe)
  tasks.start()
  await vi.advanceTimersByTimeAsync(0)
  let isStopped = false
  const stopped = tasks.stop().then(() => {
    isStopped = true
  })
  await vi.advanceTimersByTimeAsync(5000)
  expect(probe.signal?.aborted).toBe(true)
  expect([isStopped, probe.isDrained]).toEqual([false, false])
  run.resolve()
  await stopped
  expect([probe.isDrained, probe.runs]).toEqual([true, 1])
  expect(tasks.statuses()).toEqual([])
})

it('what a stop breaks off does not count as a failure', async () => {
  const probe = new Probe()
  const run = Promise.withResolvers<void>()
  probe.work = () => run.promise
  const tasks = tasksOf(probe)
  tasks.start()
  await vi.advanceTimersByTimeAsync(0)
  const stopped = tasks.stop()
  run.reject(new Error('aborted'))
  await stopped
  expect(await metrics.text()).not.toContain('outcome="failure"')
})

it('two reconcilers of one name are refused at the start', () => {
  const tasks = tasksOf(new Probe(), new Probe())
  expect(() => tasks.start()).toThrow('two background tasks are named probe')
})

it('what fails is not hurried by wakes', async () => {
  const probe = new Probe()
  probe.work = async (): Promise<void> => {
    throw new Error('the database is away')
  }
  const tasks = tasksOf(probe)
  tasks.start()
  await vi.advanceTimersByTimeAsync(0)
  for (let i = 0; i < 20; i++) {
    probe.wake()
    await vi.advanceTimersByTimeAsync(40)
  }
  expect(probe.runs).toBe(1)
  await tasks.stop()
})
