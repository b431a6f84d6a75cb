import type { LiveEvent, LiveRequest } from '@rollcall/contracts/admin'

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
  says(event: LiveEvent) {
    this.onmessage?.({ data: JSON.stringify(event) })
  }
}
