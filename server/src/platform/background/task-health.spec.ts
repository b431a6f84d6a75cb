import { expect, it } from 'vitest'
import { type TaskStatus, taskWarnings } from './task-health.ts'

const now = new Date('2026-11-30T12:00:00Z')
const ago = (ms: number) => new Date(now.getTime() - ms)
const task = (more: Partial<TaskStatus>): TaskStatus => ({
  name: 'output-retention',
  intervalMs: 1000,
  runningSince: null,
  failingSince: null,
  failuresInARow: 0,
  ...more,
})

it('a task that runs and one that failed a moment ago give no warning', () => {
  const tasks = [
    task({ runningSince: ago(60_000) }),
    task({ failingSince: ago(59_000), failuresInARow: 60 }),
    task({ failingSince: ago(120_000), failuresInARow: 2, intervalMs: 60_000 }),
  ]
  expect(taskWarnings(tasks, now)).toEqual([])
})

it('a task that has failed for a minute, three times in a row, gives a warning', () => {
  expect(taskWarnings([task({ failingSince: ago(60_000), failuresInARow: 3 })], now)).toEqual([
    'The background task output-retention has failed 3 times since 2026-11-30T11:59:00.000Z. Look at the log of this server.',
  ])
})

it('a run that does not end gives a warning, later for a task of a long interval', () => {
  const runningSince = ago(600_000)
  expect(taskWarnings([task({ runningSince })], now)[0]).toContain('running since 2026-11-30T11:50:00.000Z')
  expect(taskWarnings([task({ runningSince, intervalMs: 600_000 })], now)).toEqual([])
})
