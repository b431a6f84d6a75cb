import { describe, expect, it } from 'vitest'
import { type ChangingService, type ChangingSlot, changeService } from './service-change.ts'
import { AT, startedInstance } from './testing/instances.ts'

const NEW = 'b0000000-0000-4000-8000-000000000000'
const OLD = 'a0000000-0000-4000-8000-000000000000'

const service = (changes: Partial<ChangingService> = {}): ChangingService => ({
  id: 's',
  wanted: 'running',
  haltedAt: null,
  revisionId: NEW,
  provenRevisionId: OLD,
  ...changes,
})
const slot = (number: number, changes: Partial<ChangingSlot> = {}): ChangingSlot => ({
  ...startedInstance({ id: `0000000${number}`, name: `shop/web.${number}`, slot: number }),
  state: 'running',
  health: 'success',
  revisionId: NEW,
  runningRevisionId: NEW,
  replacedBy: null,
  isGivenUp: false,
  failureReason: null,
  ...changes,
})
const decide = (slots: ChangingSlot[], changes: Partial<ChangingService> = {}) =>
  changeService(service(changes), slots, 600_000, AT)

describe('a service that changes', () => {
  it('a revision that is well on every instance is proven, and once only', () => {
    expect(decide([slot(1), slot(2)])).toEqual({ do: 'prove' })
    expect(decide([slot(1), slot(2)], { provenRevisionId: NEW })).toEqual({ do: 'wait' })
    expect(decide([slot(1), slot(2, { health: 'failed' })])).toEqual({ do: 'wait' })
    expect(decide([slot(1), slot(2, { runningRevisionId: OLD })])).toEqual({ do: 'wait' })
    expect(decide([])).toEqual({ do: 'wait' })
  })

  it('a service that is removed is forgotten when its last instance is gone', () => {
    expect(decide([slot(1, { wanted: 'gone' })], { wanted: 'gone' })).toEqual({ do: 'wait' })
    expect(decide([], { wanted: 'gone' })).toEqual({ do: 'forget' })
  })

  it('a change that was halted goes no further', () => {
    const waiting = slot(1, { admittedAt: null, generation: 5 })
    expect(decide([waiting], { haltedAt: AT })).toEqual({ do: 'wait' })
    expect(decide([waiting])).toMatchObject({ do: 'admit', ids: ['00000001'] })
  })

  it('an instance whose step was given up halts the change', () => {
    const stuck = slot(1, { generation: 5, isGivenUp: true, failureReason: 'port 80 is taken' })
    expect(decide([stuck, slot(2, { admittedAt: null, generation: 5 })])).toMatchObject({ do: 'halt' })
  })

  it('the old instance of a slot that moves is asked to leave, and does not count for the slot', () => {
    const old = slot(1, { id: '000000aa', replacedBy: '00000001', runningRevisionId: OLD })
    const successor = slot(1, {
      admittedAt: null,
      begunGeneration: 0,
      startedGeneration: 0,
      runningRevisionId: null,
      generation: 5,
      state: 'preparing',
    })
    expect(decide([old, successor])).toEqual({ do: 'admit', ids: [], leaving: ['000000aa'] })
    expect(decide([{ ...old, wanted: 'gone' }, successor])).toEqual({ do: 'wait' })
    expect(decide([successor])).toEqual({ do: 'admit', ids: ['00000001'], leaving: [] })
  })

  it('a slot waits for all of its old instances, and only one on a silent host is not waited for', () => {
    const leaving = slot(1, { id: '000000aa', replacedBy: '00000001', wanted: 'gone', state: 'stopping' })
    const silent: ChangingSlot = { ...leaving, id: '000000bb', state: 'interrupted' }
    const successor = slot(1, { admittedAt: null, begunGeneration: 0, startedGeneration: 0, generation: 5 })
    expect(decide([silent, leaving, successor])).toEqual({ do: 'wait' })
    expect(decide([silent, successor])).toMatchObject({ do: 'admit', ids: ['00000001'] })
  })
})
