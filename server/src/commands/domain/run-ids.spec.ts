import { uuid } from '@rollcall/contracts'
import { expect, it } from 'vitest'
import { commandIdOf } from './run-ids.ts'

it('a request that is sent again names the same commands, and another host or run another', () => {
  const [run, host, other] = [
    '0b0e7f8a-0000-4000-8000-000000000001',
    '0b0e7f8a-0000-4000-8000-000000000002',
    '0b0e7f8a-0000-4000-8000-000000000003',
  ]
  const id = commandIdOf(run, host)
  expect(commandIdOf(run, host)).toBe(id)
  expect(new Set([id, commandIdOf(run, other), commandIdOf(other, host), commandIdOf(host, run)]).size).toBe(
    4,
  )
  expect(uuid.safeParse(id).success).toBe(true)
})
