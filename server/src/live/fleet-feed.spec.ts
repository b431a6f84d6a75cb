import type { AgentView, LiveEvent } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { FleetFeed } from './fleet-feed.ts'

const agent = (state: string) => ({ hostId: 'h', host: 'web', state }) as AgentView

it('what an earlier look finds late, begun for viewers who left, is not shown to those who came after', async () => {
  const readings: ((agents: AgentView[]) => void)[] = []
  const fleet = { agents: () => new Promise<AgentView[]>((resolve) => readings.push(resolve)) }
  const looks: (() => Promise<void>)[] = []
  const repeater = {
    repeat: (_what: string, _ms: number, signal: AbortSignal, look: () => Promise<void>) => {
      looks.push(look)
      return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    },
  }
  const feed = new FleetFeed(
    fleet as never,
    { now: () => new Date() } as never,
    repeater as never,
    {} as never,
  )
  const viewer = () => {
    const sent: LiveEvent[] = []
    const socket = {
      readyState: 1,
      OPEN: 1,
      bufferedAmount: 0,
      send: (text: string) => sent.push(JSON.parse(text)),
    }
    return { socket: socket as never, sent }
  }
  const [first, second] = [viewer(), viewer()]
  feed.watch(first.socket, null)
  const early = looks[0]?.()
  feed.unwatch(first.socket)
  feed.watch(second.socket, null)
  const late = looks[1]?.()
  readings[1]?.([agent('offline')])
  await late
  readings[0]?.([agent('online')])
  await early
  expect(second.sent).toEqual([expect.objectContaining({ isSnapshot: true, agents: [agent('offline')] })])
  expect(first.sent).toEqual([])
})
