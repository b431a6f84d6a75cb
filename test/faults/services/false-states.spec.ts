import { expect, it } from 'vitest'
import { FalseStates, MAX_FALSE_MS } from './false-states.ts'
import type { HostInspection } from './inspect-host.ts'

const program = {
  container: 'web',
  slot: 'shop/web.1',
  generation: 1,
  revision: 1,
  pid: 70,
  instance: 'aaaaaaaa',
}
const EMPTY: HostInspection = { programs: [], containers: [], units: [], folders: [] }
const RUNNING: HostInspection = { ...EMPTY, programs: [program] }
const shown = (state: string) => [{ id: 'aaaaaaaa', name: 'shop/web.1', state, host: 'app-1' }]
const HALF_MS = MAX_FALSE_MS / 2

it('an instance that is said to run for too long without running is found once', () => {
  const states = new FalseStates()
  const compare = (atMs: number) => states.compare('app-1', EMPTY, shown('running'), atMs)
  expect([compare(0), compare(HALF_MS)]).toEqual([[], []])
  expect(compare(MAX_FALSE_MS)).toEqual([
    {
      kind: 'untrue',
      instance: 'aaaaaaaa',
      text: 'shop/web.1 (aaaaaaaa) is said to be running, and does not run on app-1, for 60 s',
    },
  ])
  expect(compare(MAX_FALSE_MS + 1)).toEqual([])
})

it('an instance that is said to be stopped and runs on is found', () => {
  const states = new FalseStates()
  const found = [0, HALF_MS, MAX_FALSE_MS].map((atMs) =>
    states.compare('app-1', RUNNING, shown('stopped'), atMs),
  )
  expect(found.flat()).toHaveLength(1)
})

it('a difference that ends in between, or whose host was off, begins again', () => {
  const states = new FalseStates()
  states.compare('app-1', EMPTY, shown('running'), 0)
  states.compare('app-1', RUNNING, shown('running'), HALF_MS)
  states.compare('app-1', EMPTY, shown('running'), HALF_MS + 1)
  states.forget(shown('running'), 'app-1')
  const later = [1, 2].map((times) =>
    states.compare('app-1', EMPTY, shown('running'), MAX_FALSE_MS * times + HALF_MS),
  )
  expect(later.flat()).toEqual([])
})

it('states that say of themselves that something is under way, and those on other hosts, are not compared', () => {
  const states = new FalseStates()
  for (const state of ['starting', 'stopping', 'failed', 'interrupted'])
    for (const atMs of [0, HALF_MS, 2 * MAX_FALSE_MS])
      expect(states.compare('app-1', EMPTY, shown(state), atMs)).toEqual([])
  for (const atMs of [0, HALF_MS, 2 * MAX_FALSE_MS])
    expect(states.compare('app-2', EMPTY, shown('running'), atMs)).toEqual([])
})
