import { expect, it } from 'vitest'
import { type DesiredService, toContainerNames, toDesiredFleet, toServiceFile } from './desired-fleet.ts'
import { withOperation } from './operations.ts'
import { DECK, scheduleOperations, scheduleStrikes } from './schedule.ts'

const FLEET = toDesiredFleet(200)
const MINUTES_6_MS = 360_000
const count = (services: readonly DesiredService[]) =>
  services.reduce((sum, { replicas }) => sum + replicas, 0)

it('a fleet for chaos has as many instances as were asked for, in files with all of them', () => {
  for (const instances of [12, 20, 57, 200]) expect(count(toDesiredFleet(instances))).toBe(instances)
  expect(() => toDesiredFleet(11)).toThrow('at least 12 instances, not 11')
  const file = toServiceFile('chaos1', FLEET)
  const names = FLEET.filter(({ project }) => project === 'chaos1').flatMap(toContainerNames)
  for (const name of names) expect(file).toContain(`\n  ${name}:\n`)
})

it('a seed gives the same strikes and operations each time, and another seed others', () => {
  const plan = (seed: number) => [
    scheduleStrikes(seed, 60, 10),
    scheduleOperations(seed, 25, FLEET, MINUTES_6_MS),
  ]
  expect(plan(7)).toEqual(plan(7))
  expect(plan(7)).not.toEqual(plan(8))
  expect(scheduleStrikes(7, 12, 10)).toEqual(scheduleStrikes(7, 60, 10).slice(0, 12))
})

it('strikes hit everything that they are meant for, on many hosts, and end in time', () => {
  for (const seed of [1, 2, 3, 4]) {
    const strikes = scheduleStrikes(seed, 60, 10)
    const victims = strikes.slice(0, DECK.length).map(({ victim }) => victim)
    expect(victims.toSorted()).toEqual(DECK.toSorted())
    expect(new Set(strikes.map(({ host }) => host)).size).toBeGreaterThan(5)
    expect(strikes.at(-1)?.atMs).toBeLessThan(8 * 60_000)
  }
})

it('operations are of every kind, make sense in their order, and leave most services running', () => {
  const kinds = new Set<string>()
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    let services: readonly DesiredService[] = FLEET
    for (const { operation } of scheduleOperations(seed, 25, FLEET, MINUTES_6_MS)) {
      kinds.add(operation.do)
      const names = operation.do === 'change' ? operation.names : [operation.name]
      const meant = services.filter((one) => one.project === operation.project && names.includes(one.name))
      expect(meant).toHaveLength(names.length)
      for (const { wanted } of meant) expect(wanted).not.toBe('gone')
      services = withOperation(services, operation)
    }
    expect(services.filter(({ wanted }) => wanted === 'running').length).toBeGreaterThan(FLEET.length * 0.6)
  }
  expect([...kinds].sort()).toEqual(['change', 'remove', 'renew', 'restart', 'scale', 'start', 'stop'])
})

it('an applied file raises the revision of what was changed, and sets going what was stopped', () => {
  const [first, second] = FLEET as [DesiredService, DesiredService]
  const stopped = withOperation(FLEET, { do: 'stop', project: second.project, name: second.name })
  const after = withOperation(stopped, { do: 'change', project: first.project, names: [first.name] })
  expect(stopped[1]).toMatchObject({ wanted: 'stopped' })
  expect(after[0]).toMatchObject({ wanted: 'running', revision: 2 })
  expect(after[1]).toMatchObject({ wanted: 'running', revision: 1 })
  const removed = withOperation(after, { do: 'remove', project: second.project, name: second.name })
  expect(toServiceFile(first.project, removed)).not.toContain(`  ${second.name}:`)
})
