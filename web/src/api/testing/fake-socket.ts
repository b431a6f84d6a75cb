import type { LiveEvent, LiveRequest } from '@rollcall/contracts/admin'
import { LiveClient } from '../live.ts'
import { readLiveEvent } from '../live-events.ts'

/** Returns a client that opens fake sockets, which are added to `sockets`. */
export const clientOf = (sockets: FakeSocket[], loadReader = async () => readLiveEvent) =>
  new LiveClient(() => {
    const socket = new FakeSocket()
    sockets.push(socket)
    return socket as unknown as WebSocket
  }, loadReader)

/** A WebSocket of the browser whose server is the spec. */
export class FakeSocket {
  readyState = 0
  readonly sent: LiveRequest[] = []
  onopen: (() => void) | undefined
  onmessage: ((event: { data: string }) => void) | undefined
  onclose: ((event: { code: number }) => void) | undefined
  send(text: string) {
    this.sent.push(JSON.parse(text))
  }
  opens() {
    this.readyState = 1
    this.onopen?.()
  }
  breaks(code = 1006) {
    this.readyState = 3
    this.onclose?.({ code })
  }
  close() {
    this.breaks()
  }
  says(event: LiveEvent) {
    this.onmessage?.({ data: JSON.stringify(event) })
  }
}
