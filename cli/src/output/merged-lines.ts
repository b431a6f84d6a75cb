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
    const times = new Map<string, number>()
    const timed = this.lines.map((line) => {
      const atUs = toMicroseconds(line.line) ?? times.get(line.id) ?? 0
      times.set(line.id, atUs)
      return { line, atUs }
    })
    return timed.sort((one, other) => one.atUs - other.atUs).map(({ line }) => line)
  }
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\d*(Z|[+-]\d\d:\d\d) /

/** Reads the time with which a line begins, whatever time zone its host has; undefined for a line without one. */
function toMicroseconds(line: string): number | undefined {
  const [found, seconds, fraction = '', zone] = TIME.exec(line) ?? []
  if (found === undefined) return undefined
  const ms = Date.parse(`${seconds}${zone}`)
  return Number.isNaN(ms) ? undefined : ms * 1000 + Number(fraction.padEnd(6, '0'))
}
