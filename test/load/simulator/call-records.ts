import { RECORDED, type Recorded, type RecordedCalls } from './messages.ts'

/** One connection or request, as the simulator saw it. */
export interface RecordedCall {
  agent: number
  atMs: number
  /** The caller's own port: it tells connections, and so servers, apart. */
  port: number
  /** The methods of a batch, or `connection`, or `refused`; nothing for what was no JSON-RPC. */
  what: Recorded[]
}

const names = Object.keys(RECORDED) as Recorded[]

/** Answers what tests ask of a record: who was called when, how often at most, and by whom. */
export class CallRecords {
  readonly #rows: RecordedCalls

  /** Throws for a record that is not whole: what is missing would look like silence. */
  constructor(rows: RecordedCalls) {
    if (rows.lost > 0) throw new Error(`${rows.lost} calls were not recorded: forget earlier ones in between`)
    this.#rows = rows
  }

  /** In the order in which they came: of one agent and one kind, or of all. */
  list(wanted: { agent?: number; what?: Recorded } = {}): RecordedCall[] {
    const { agent, atMs, port, what } = this.#rows
    const calls: RecordedCall[] = []
    for (let row = 0; row < agent.length; row++) {
      const seen = what[row] ?? 0
      if (wanted.what !== undefined && (seen & RECORDED[wanted.what]) === 0) continue
      if (wanted.agent !== undefined && agent[row] !== wanted.agent) continue
      calls.push({
        agent: agent[row] ?? 0,
        atMs: atMs[row] ?? 0,
        port: port[row] ?? 0,
        what: names.filter((name) => seen & RECORDED[name]),
      })
    }
    return calls
  }

  /** Epoch milliseconds of each, in order. */
  times(wanted: { agent?: number; what?: Recorded } = {}): number[] {
    return this.list(wanted).map(({ atMs }) => atMs)
  }

  /** How many of a kind each agent got, by its index. */
  counts(what: Recorded): Map<number, number> {
    const counts = new Map<number, number>()
    for (let row = 0; row < this.#rows.agent.length; row++) {
      if (((this.#rows.what[row] ?? 0) & RECORDED[what]) === 0) continue
      const agent = this.#rows.agent[row] ?? 0
      counts.set(agent, (counts.get(agent) ?? 0) + 1)
    }
    return counts
  }

  /** The most of a kind within any window of `windowMs`. */
  greatestRate(what: Recorded, windowMs = 1000): number {
    const times = this.times({ what }).sort((a, b) => a - b)
    let from = 0
    let most = 0
    for (let to = 0; to < times.length; to++) {
      while ((times[to] ?? 0) - (times[from] ?? 0) >= windowMs) from++
      most = Math.max(most, to - from + 1)
    }
    return most
  }

  /** The callers' ports, one for each connection that asked anything of an agent. */
  ports(agent: number): Set<number> {
    return new Set(this.list({ agent }).map(({ port }) => port))
  }
}
