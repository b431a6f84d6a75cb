import { expect, it } from 'vitest'
import { decideTakeover } from './decide-takeover.ts'

const now = new Date('2026-11-30T12:00:00Z')
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000)
const abandoned = (abandonedSince: Date | null, isCancelRequested = false) => ({
  abandonedSince,
  isCancelRequested,
})

it('a server with the content acquires a transfer whose server is gone, however long', () => {
  for (const since of [ago(0), ago(59), ago(600), null])
    expect(decideTakeover(abandoned(since), true, now)).toEqual({ do: 'acquire' })
})

it('a server without the content waits for the one that has it, and fails the transfer after an hour', () => {
  expect(decideTakeover(abandoned(ago(0)), false, now)).toEqual({ do: 'wait' })
  expect(decideTakeover(abandoned(ago(59)), false, now)).toEqual({ do: 'wait' })
  expect(decideTakeover(abandoned(ago(60)), false, now)).toMatchObject({ do: 'fail' })
  expect(decideTakeover(abandoned(null), false, now)).toMatchObject({ do: 'fail' })
})

it('a cancelled transfer is acquired without its content, since nothing is sent any more', () => {
  expect(decideTakeover(abandoned(ago(0), true), false, now)).toEqual({ do: 'acquire' })
})
