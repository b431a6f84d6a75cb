import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AdmittedSlot, admitSlots, isWell } from './admit-slots.ts'
import { AT, later, newInstance, startedInstance } from './testing/instances.ts'

const DEADLINE_MS = 600_000

/** Makes a slot that runs its order 4 and is well. */
const slot = (number: number, changes: Partial<AdmittedSlot> = {}): AdmittedSlot => ({
  ...startedInstance({ id: `0000000${number}`, name: `shop/web.${number}`, slot: number }),
  state: 'running',
  health: 'success',
  predecessor: null,
  ...changes,
})
/** Makes one that runs its order 4 and has a new one, which waits. */
const waiting = (number: number, changes: Partial<AdmittedSlot> = {}) =>
  slot(number, { generation: 5, admittedAt: null, ...changes })
const admit = (slots: AdmittedSlot[], now = AT) => admitSlots(slots, DEADLINE_MS, now)

describe('carrying out a change slot by slot', () => {
  it('the slot with the lowest number comes first, and the next one when that is well', () => {
    expect(admit([waiting(2), waiting(1)])).toEqual({ do: 'admit', ids: ['00000001'], leaving: [] })
    const replaced = slot(1, { generation: 5 })
    expect(admit([replaced, waiting(2)])).toEqual({ do: 'wait', until: later(DEADLINE_MS) })
    const well = slot(1, { generation: 5, startedGeneration: 5 })
    expect(admit([well, waiting(2)])).toEqual({ do: 'admit', ids: ['00000002'], leaving: [] })
    expect(admit([well])).toEqual({ do: 'wait', until: null })
  })

  it('slots that run nothing yet are all admitted at once', () => {
    const fresh = [1, 2, 3].map((number) => ({
      ...newInstance({ id: `0000000${number}`, slot: number, admittedAt: null }),
      predecessor: null,
    }))
    expect(admit([...fresh, waiting(4)])).toEqual({
      do: 'admit',
      ids: ['00000001', '00000002', '00000003'],
      leaving: [],
    })
  })

  it('a slot that fails with its new order leaves the others with what they run', () => {
    const failed = slot(1, { generation: 5, state: 'failed', health: 'failed', reason: 'it exits with 3' })
    expect(admit([failed, waiting(2), waiting(3)])).toEqual({
      do: 'halt',
      reason: 'shop/web.1 is not well with its new order, so that 2 slots stay as they are: it exits with 3',
    })
  })

  it('a slot that is not well at its deadline halts the change', () => {
    const sick = slot(1, { generation: 5, startedGeneration: 5, health: 'failed' })
    expect(admit([sick, waiting(2)], later(DEADLINE_MS - 1))).toMatchObject({ do: 'wait' })
    expect(admit([sick, waiting(2)], later(DEADLINE_MS))).toMatchObject({ do: 'halt' })
  })

  it('a slot on a silent host holds up no other', () => {
    const away = waiting(1, { state: 'interrupted', health: 'unknown' })
    expect(admit([away, waiting(2)])).toEqual({ do: 'admit', ids: ['00000002'], leaving: [] })
    expect(admit([away])).toEqual({ do: 'wait', until: null })
  })

  it('a slot that moves leaves its old host first, and then comes to its new one', () => {
    const moving = (wanted: 'running' | 'gone', changes: Partial<AdmittedSlot['predecessor']> = {}) =>
      waiting(1, {
        begunGeneration: 0,
        startedGeneration: 0,
        predecessor: { ...slot(9, { wanted }), ...changes },
      })
    expect(admit([moving('running'), waiting(2)])).toEqual({
      do: 'admit',
      ids: [],
      leaving: ['00000009'],
    })
    expect(admit([moving('gone'), waiting(2)])).toEqual({ do: 'wait', until: null })
    expect(admit([{ ...moving('gone'), predecessor: null }, waiting(2)])).toMatchObject({
      ids: ['00000001'],
    })
    const stuck = { count: 8, since: AT, code: null, reason: 'podman hangs', retryAt: null }
    expect(admit([moving('gone', { failures: stuck })])).toMatchObject({
      do: 'halt',
      reason: expect.stringContaining('podman hangs'),
    })
    expect(admit([moving('running', { state: 'interrupted' })])).toEqual({
      do: 'admit',
      ids: ['00000001'],
      leaving: ['00000009'],
    })
  })

  it('no slot that runs is replaced while another one is not well with its order', () => {
    const any = fc.record({
      generation: fc.constantFrom(4, 5),
      admittedAt: fc.constantFrom(null, AT),
      state: fc.constantFrom('running', 'starting', 'preparing', 'failed', 'interrupted', 'finished'),
      health: fc.constantFrom('success', 'partial', 'failed', 'unknown'),
      wanted: fc.constantFrom('running', 'stopped', 'gone'),
    }) as fc.Arbitrary<Partial<AdmittedSlot>>
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), fc.integer({ max: DEADLINE_MS * 2 }), (changes, ms) => {
        const slots = changes.map((change, index) => slot(index, change))
        const move = admit(slots, later(ms))
        if (move.do !== 'admit') return
        expect(move.ids).toHaveLength(1)
        for (const other of slots)
          if (other.wanted === 'running' && other.admittedAt !== null) expect(isWell(other)).toBe(true)
      }),
    )
  })
})
