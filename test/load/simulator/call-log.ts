import type { RecordedCalls } from './messages.ts'

const FIRST_ROWS = 1 << 16
const MAX_ROWS = 1 << 22

type Columns = Omit<RecordedCalls, 'lost'>

const columns = (rows: number): Columns => ({
  agent: new Uint16Array(rows),
  atMs: new Float64Array(rows),
  port: new Uint16Array(rows),
  what: new Uint32Array(rows),
})

/** The record of calls, 16 bytes a row, at most four million rows. */
export class CallLog {
  #kept = columns(FIRST_ROWS)
  #rows = 0
  #lost = 0

  add(agent: number, port: number, what: number): void {
    if (this.#rows === this.#kept.agent.length && !this.#grow()) {
      this.#lost++
      return
    }
    const row = this.#rows++
    this.#kept.agent[row] = agent
    this.#kept.atMs[row] = performance.timeOrigin + performance.now()
    this.#kept.port[row] = port
    this.#kept.what[row] = what
  }

  read(): RecordedCalls {
    const { agent, atMs, port, what } = this.#kept
    const to = this.#rows
    return {
      agent: agent.slice(0, to),
      atMs: atMs.slice(0, to),
      port: port.slice(0, to),
      what: what.slice(0, to),
      lost: this.#lost,
    }
  }

  forget(): void {
    this.#rows = 0
    this.#lost = 0
  }

  #grow(): boolean {
    const rows = this.#rows * 2
    if (rows > MAX_ROWS) return false
    const wider = columns(rows)
    wider.agent.set(this.#kept.agent)
    wider.atMs.set(this.#kept.atMs)
    wider.port.set(this.#kept.port)
    wider.what.set(this.#kept.what)
    this.#kept = wider
    return true
  }
}
