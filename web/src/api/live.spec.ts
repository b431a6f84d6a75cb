import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LiveClient, type Topic } from './live.ts'
import { FakeSocket } from './testing/fake-socket.ts'

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
  const client = new LiveClient(() => {
    sockets.push(new FakeSocket())
    return sockets.at(-1) as unknown as WebSocket
  })
  client.follow(output())
  sockets[0]?.opens()
  sockets[0]?.says({ type: 'output', commandId: ID, offset: 0, stream: 'stdout', data: btoa('hello') })
  sockets[0]?.breaks()
  expect(client.status.is).toBe('waiting')
  await vi.runAllTimersAsync()
  sockets[1]?.opens()
  expect(sockets[1]?.sent).toEqual([{ type: 'follow', commandId: ID, offset: 5 }])
  expect(client.status.is).toBe('live')
})

it('the connection does not come back if nothing is followed any more', async () => {
  const sockets: FakeSocket[] = []
  const client = new LiveClient(() => {
    sockets.push(new FakeSocket())
    return sockets.at(-1) as unknown as WebSocket
  })
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
  const client = new LiveClient(() => {
    sockets.push(new FakeSocket())
    return sockets.at(-1) as unknown as WebSocket
  })
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
