import type { Client } from 'undici'

export type LineUse = 'polls' | 'calls' | 'transfers'

interface Line {
  client: Client
  /** Requests on it, running or waiting, by what they are. */
  polls: number
  calls: number
  transfers: number
}

/**
 * The connections to one agent: one as long as one suffices, more while several requests run at once. Not undici's own
 * pool, which takes 16 KB for its queue even when it is idle, and which would let a call wait behind long polls.
 */
export class Lines {
  private readonly lines: Line[] = []
  private running = { polls: 0, calls: 0, transfers: 0 }

  constructor(
    private readonly open: () => Client,
    /** How many of each kind may run at once, beside the others; further ones wait behind their own kind. */
    private readonly limits: Record<LineUse, number>,
  ) {}

  /** Does `work` on a connection that is free, so that a call never waits behind a long poll. */
  async use<T>(kind: LineUse, work: (client: Client) => Promise<T>): Promise<T> {
    const line = this.take(kind)
    line[kind] += 1
    this.running[kind] += 1
    try {
      return await work(line.client)
    } finally {
      line[kind] -= 1
      this.running[kind] -= 1
    }
  }

  async close(how: 'destroy' | 'close'): Promise<void> {
    await Promise.all(this.lines.map(({ client }) => client[how]()))
  }

  private take(kind: LineUse): Line {
    if (this.running[kind] < this.limits[kind]) {
      const free = this.lines.find((line) => line.polls + line.calls + line.transfers === 0)
      if (free) return free
      const line = { client: this.open(), polls: 0, calls: 0, transfers: 0 }
      this.lines.push(line)
      return line
    }
    const ofOurKind = this.lines.filter((line) => line[kind] > 0)
    return ofOurKind.reduce((least, line) => (line[kind] < least[kind] ? line : least))
  }
}
