import { once } from 'node:events'
import { type LiveEvent, liveEvent } from '@rollcall/contracts/admin'
import { WebSocket } from 'ws'
import type { Api } from './api.ts'

export interface LiveOutput {
  stream: 'stdout' | 'stderr'
  offset: number
  data: string
  /** When it came, by this machine's clock, in milliseconds. */
  at: number
}

/** `/ws` as a program uses it. */
export class LiveClient implements Disposable {
  readonly socket: WebSocket

  private constructor(socket: WebSocket) {
    this.socket = socket
  }

  static async open(api: Api): Promise<LiveClient> {
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/ws`, {
      headers: api.headers,
    })
    await once(socket, 'open')
    return new LiveClient(socket)
  }

  /** Everything that is pushed of one command until it has ended. Throws when the connection ends before. */
  follow(commandId: string, offset = 0): Promise<LiveOutput[]> {
    const outputs: LiveOutput[] = []
    return new Promise((resolve, reject) => {
      this.socket.on('message', (text) => {
        const event = liveEvent.parse(JSON.parse(String(text)))
        if (event.type === 'output' && event.commandId === commandId)
          outputs.push({
            stream: event.stream,
            offset: event.offset,
            data: Buffer.from(event.data, 'base64').toString('utf8'),
            at: Date.now(),
          })
        if (event.type === 'end' && event.command.id === commandId) resolve(outputs)
        if (event.type === 'error') reject(new Error(`${event.code}: ${event.message}`))
      })
      this.socket.on('close', () => reject(new Error('the live connection was closed')))
      this.socket.send(JSON.stringify({ type: 'follow', commandId, offset }))
    })
  }

  /** Everything that is told of a transfer until it has ended. Throws when the connection ends before. */
  followTransfer(transferId: string): Promise<(LiveEvent & { type: 'transfer' })[]> {
    const events: (LiveEvent & { type: 'transfer' })[] = []
    return new Promise((resolve, reject) => {
      this.socket.on('message', (text) => {
        const event = liveEvent.parse(JSON.parse(String(text)))
        if (event.type === 'transfer' && event.transfer.id === transferId) events.push(event)
        if (event.type === 'transfer-end' && event.transfer.id === transferId) resolve(events)
        if (event.type === 'error') reject(new Error(`${event.code}: ${event.message}`))
      })
      this.socket.on('close', () => reject(new Error('the live connection was closed')))
      this.socket.send(JSON.stringify({ type: 'follow-transfer', transferId }))
    })
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }
}
