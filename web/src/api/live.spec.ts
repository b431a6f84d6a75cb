import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Topic } from './live.ts'
import { readLiveEvent } from './live-events.ts'
import { clientOf, type FakeSocket } from './testing/fake-socket.ts'

const ID = '0b0e7f8a-0000-4000-8000-000000000001'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function output(): Topic & { offset: number } {
  return {
    offset: 0,
    takes: (event) => event.type === 'output' && event.commandId === ID,
    begin() {
      return { type: 'follow', commandId: ID, offset: this.offset }
    },
    end: () => ({ type: 'unfollow', commandId: ID }),
    onEvent(event) {
      if (event.type === 'output') this.offset = event.offset + atob(event.data).length
    },
  }
}

it('a followed topic continues from where it was when the connection comes back', async () => {
  const sockets: FakeSocket[] = []
  const client = clientOf(sockets)
  client.follow(output())
  sockets[0]?.opens()
  sockets[0]?.says({ type: 'output', commandId: ID, offset: 0, stream: 'stdout', data: btoa('hello') })
  await vi.advanceTimersByTimeAsync(0)
  sockets[0]?.breaks()
  expect(client.status.is).toBe('waiting')
  await vi.runAllTimersAsync()
  sockets[1]?.opens()
  expect(sockets[1]?.sent).toEqual([{ type: 'follow', commandId: ID, offset: 5 }])
  expect(client.status.is).toBe('live')
})

it('the connection does not come back if nothing is followed any more', async () => {
  const sockets: FakeSocket[] = []
  const client = clientOf(sockets)
  const stop = client.follow(output())
  sockets[0]?.opens()
  stop()
  sockets[0]?.breaks()
  await vi.runAllTimersAsync()
  expect(sockets).toHaveLength(1)
  expect(sockets[0]?.sent.at(-1)).toEqual({ type: 'unfollow', commandId: ID })
})

it('the connection is tried less and less often while the server is away', async () => {
  const sockets: FakeSocket[] = []
  const client = clientOf(sockets)
  client.follow(output())
  for (let i = 0; i < 8; i++) {
    sockets.at(-1)?.breaks()
    await vi.advanceTimersByTimeAsync(15_000)
  }
  expect(sockets).toHaveLength(9)
  sockets.at(-1)?.breaks()
  await vi.advanceTimersByTimeAsync(7000)
  expect(sockets).toHaveLength(9)
})

it('events that come before their reader is loaded are taken in order once it is', async () => {
  const sockets: FakeSocket[] = []
  const loaded = Promise.withResolvers<typeof readLiveEvent>()
  const client = clientOf(sockets, () => loaded.promise)
  const topic = output()
  client.follow(topic)
  sockets[0]?.opens()
  for (const [offset, text] of ['ab', 'cd'].entries())
    sockets[0]?.says({
      type: 'output',
      commandId: ID,
      offset: offset * 2,
      stream: 'stdout',
      data: btoa(text),
    })
  expect(topic.offset).toBe(0)
  loaded.resolve(readLiveEvent)
  await vi.advanceTimersByTimeAsync(0)
  expect(topic.offset).toBe(4)
})

it('a reader that could not be loaded is loaded again with the next connection', async () => {
  const sockets: FakeSocket[] = []
  const loadReader = vi.fn(async () => readLiveEvent).mockRejectedValueOnce(new Error('offline'))
  const client = clientOf(sockets, loadReader)
  const topic = output()
  client.follow(topic)
  await vi.advanceTimersByTimeAsync(0)
  expect(client.status.is).toBe('waiting')
  await vi.runAllTimersAsync()
  sockets[1]?.opens()
  sockets[1]?.says({ type: 'output', commandId: ID, offset: 0, stream: 'stdout', data: btoa('x') })
  expect([loadReader.mock.calls.length, topic.offset]).toEqual([2, 1])
})
