import type { CommandView } from '@rollcall/contracts/admin'
import { LineBuffer } from './line-buffer.ts'
import type { LiveOutput, Printer } from './printer.ts'

/** More is not kept: the oldest lines go first. */
const MAX_LINES = 100_000

interface Line {
  id: string
  instance: string
  line: string
}

/** Keeps the lines of several logs, to put them in the order of the times with which they begin. */
export class MergedLines implements Printer {
  private readonly buffers = new Map<string, { instance: string; buffer: LineBuffer }>()
  private lines: Line[] = []

  output({ id, host }: { id: string; host: string }, { data }: LiveOutput): void {
    const own = this.buffers.get(id) ?? { instance: host, buffer: new LineBuffer() }
    this.buffers.set(id, own)
    this.keep(id, host, own.buffer.push(data))
  }

  ended({ id }: Pick<CommandView, 'id'>): void {
    const own = this.buffers.get(id)
    const last = own?.buffer.flush()
    if (own && last) this.keep(id, own.instance, [last])
  }

  private keep(id: string, instance: string, lines: readonly Buffer[]): void {
    for (const line of lines) this.lines.push({ id, instance, line: line.toString() })
    if (this.lines.length > 2 * MAX_LINES) this.lines = this.inOrder().slice(-MAX_LINES)
  }

  /** Returns all lines by their times. Lines of the same time, and lines without one, keep their order within their log. */
  inOrder(): Line[] {
    const times = new Map<string, string>()
    const timed = this.lines.map((line) => {
      const own = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?/.exec(line.line)?.[0]
      const time = own ?? times.get(line.id) ?? ''
      times.set(line.id, time)
      return { line, time }
    })
    return timed
      .sort((one, other) => (one.time < other.time ? -1 : Number(one.time > other.time)))
      .map(({ line }) => line)
  }
}
