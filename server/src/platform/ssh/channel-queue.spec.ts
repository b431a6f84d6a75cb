import { describe, expect, it } from 'vitest'
import { ChannelQueue } from './channel-queue.ts'

const LIVING = new AbortController().signal

describe('the channels of a connection', () => {
  it('channels open one at a time and in order, also after a failed one', async () => {
    const queue = new ChannelQueue()
    let open = 0
    const seen: number[] = []
    const use = (id: number) => async () => {
      expect(++open).toBe(1)
      await Promise.resolve()
      open--
      seen.push(id)
      if (id === 1) throw new Error('failed')
    }
    const ended = await Promise.allSettled([0, 1, 2, 3].map((id) => queue.run(LIVING, use(id))))
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('a cancelled wait for a channel does not let later ones overtake', async () => {
    const queue = new ChannelQueue()
    const first = Promise.withResolvers<void>()
    const giveUp = new AbortController()
    const seen: string[] = []
    const one = queue.run(LIVING, () => first.promise)
    const two = queue.run(giveUp.signal, async () => void seen.push('two'))
    const three = queue.run(LIVING, async () => void seen.push('three'))
    giveUp.abort(new Error('cancelled'))
    await expect(two).rejects.toThrow('cancelled')
    expect(seen).toEqual([])
    first.resolve()
    await Promise.all([one, three])
    expect(seen).toEqual(['three'])
  })
})
