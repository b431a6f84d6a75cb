import { expect, it } from 'vitest'
import { InputQueue } from './input-queue.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const later = () => new Promise((resolve) => setTimeout(resolve))

it('what was typed while a piece was lost goes once and in order', async () => {
  const host: string[] = []
  let failures = 2
  const queue = new InputQueue(
    10,
    async (offset, data) => {
      if (failures-- > 0) throw new Error('away')
      host.push(`${offset} ${atob(data)}`)
      return { nextOffset: offset + atob(data).length }
    },
    { isPassing: () => true, failed: () => expect.unreachable(), wait: () => Promise.resolve() },
  )
  queue.push(bytes('ls'))
  queue.push(bytes(' -l\r'))
  await later()
  expect(host).toEqual(['10 ls', '12  -l\r'])
})

it('a terminal that has ended takes nothing more and says so once', async () => {
  const failed: unknown[] = []
  const queue = new InputQueue(0, () => Promise.reject(new Error('ended')), {
    isPassing: () => false,
    failed: (error) => failed.push(error),
    wait: () => Promise.resolve(),
  })
  queue.push(bytes('x'))
  queue.push(bytes('y'))
  await later()
  expect(failed).toHaveLength(1)
})
