import { describe, expect, it } from 'vitest'
import { AUDIT_OUTCOME } from './audit/schemas.ts'
import { COMMAND_STATE, FINAL_STATES, isFinalState } from './commands/schemas.ts'
import { HOST_STATE } from './hosts/schemas.ts'
import { TASK_STATUS } from './playbooks/schemas.ts'
import { RUN_STATE, runCounts, toRunState } from './runs/schemas.ts'
import { FIRING_OUTCOME } from './schedules/schemas.ts'
import { defineStates, type StateDescriptor } from './states.ts'
import { TRANSFER_HOST_STATE } from './transfers/schemas.ts'
import { UPGRADE_HOST_STATE, UPGRADE_STATE } from './upgrades/schemas.ts'

const TABLES = {
  AUDIT_OUTCOME,
  COMMAND_STATE,
  FIRING_OUTCOME,
  HOST_STATE,
  RUN_STATE,
  TASK_STATUS,
  TRANSFER_HOST_STATE,
  UPGRADE_HOST_STATE,
  UPGRADE_STATE,
}

describe('a table of states', () => {
  const DOOR = defineStates<StateDescriptor & { isSafe?: true }>()({
    open: { tone: 'warn', sign: '○', urgency: 1 },
    shut: { tone: 'ok', sign: '●', urgency: 2, isSafe: true },
    broken: { tone: 'bad', sign: '✕', urgency: 0, isFailure: true },
  })

  it('a table of states lists them in the order in which they were written, and by urgency', () => {
    expect(DOOR.names).toEqual(['open', 'shut', 'broken'])
    expect(DOOR.schema.options).toEqual(['open', 'shut', 'broken'])
    expect(DOOR.byUrgency()).toEqual(['broken', 'open', 'shut'])
  })

  it('a table of states is split by a claim, so that a new state is on the side that it says', () => {
    expect(DOOR.that('isSafe')).toEqual(['shut'])
    expect(DOOR.except('isSafe')).toEqual(['open', 'broken'])
    const shut: 'shut'[] = DOOR.that('isSafe')
    expect(shut).toHaveLength(1)
  })

  it('a table of states makes the schema of counts by state', () => {
    expect(runCounts.safeParse({ held: 1 }).success).toBe(false)
    expect(Object.keys(runCounts.shape)).toEqual(RUN_STATE.names)
  })
})

it('states of the same name look alike wherever they stand, since they share their text', () => {
  const all = Object.values(TABLES).flatMap(({ table }) => Object.entries<StateDescriptor>(table))
  const differing = all.filter(([name, one]) =>
    all.some(([other, { tone, sign }]) => other === name && (tone !== one.tone || sign !== one.sign)),
  )
  expect(differing).toEqual([])
})

it('a command in a final state has ended, and one that waits for its turn is held', () => {
  expect(FINAL_STATES).toEqual(['success', 'failed', 'timed_out', 'cancelled', 'lost'])
  expect(COMMAND_STATE.names.filter((state) => !isFinalState(state))).toEqual(['pending', 'running'])
  expect(toRunState({ state: 'pending', isHeld: true })).toBe('held')
  expect(toRunState({ state: 'running', isHeld: false })).toBe('running')
})

it('no host is both busy and called, and one that answers is called', () => {
  const busy = HOST_STATE.that('isBusy')
  expect(busy).toEqual(['installing', 'upgrading', 'removing'])
  expect(HOST_STATE.that('isCalled').filter((state) => (busy as string[]).includes(state))).toEqual([])
  expect(HOST_STATE.that('isCalled')).toEqual(expect.arrayContaining(HOST_STATE.that('isAnswering')))
})

it('each state of an upgrade has a sign of its own, since the command line shows a ring by signs alone', () => {
  const signs = UPGRADE_HOST_STATE.names.map((state) => UPGRADE_HOST_STATE.describe(state).sign)
  expect(new Set(signs).size).toBe(signs.length)
})
