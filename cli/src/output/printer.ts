import { sanitizeText, terminalLine } from '@rollcall/contracts'
import type { CommandView, OutputChunk } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { jsonLine } from './json.ts'
import { LineBuffer } from './line-buffer.ts'
import { write } from './sink.ts'

export interface LiveOutput extends Pick<OutputChunk, 'offset' | 'stream'> {
  data: Buffer
}

/** Shows output as it arrives. A returned promise resolves when the reader of our output has caught up. */
export interface Printer {
  output(command: { id: string; host: string }, output: LiveOutput): void | Promise<void>
  changed?(command: CommandView): void
  ended?(command: CommandView): void | Promise<void>
}

type Streams = Pick<Context, 'stdout' | 'stderr' | 'env'>

/** Prints one command's bytes unchanged, as ssh does. The program's own output is all there is. */
export const rawPrinter = (streams: Streams): Printer => ({
  output: (_command, { stream, data }) => write(streams[stream], data),
})

const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94]

/** Whole lines of many commands, each behind the name of its host. */
export class LinePrinter implements Printer {
  private readonly streams: Streams
  private readonly prefixes: { stdout: ReadonlyMap<string, string>; stderr: ReadonlyMap<string, string> }
  private readonly buffers = new Map<string, LineBuffer>()

  /** `hosts` are the names for the prefixes; with none, lines stay whole but carry no prefix. */
  constructor(streams: Streams, hosts: readonly string[]) {
    this.streams = streams
    const width = Math.max(0, ...hosts.map((host) => host.length))
    const prefixesOn = (stream: { isTTY?: boolean }) => {
      const toColour = (place: number) =>
        isColoured(stream, streams.env) ? COLOURS[place % COLOURS.length] : undefined
      return new Map(
        hosts.map((host, i) => [host, toPrefix(sanitizeText(host.padEnd(width), width), toColour(i))]),
      )
    }
    this.prefixes = { stdout: prefixesOn(streams.stdout), stderr: prefixesOn(streams.stderr) }
  }

  output(command: { id: string; host: string }, { stream, data }: LiveOutput) {
    const key = `${command.id}/${stream}`
    const buffer = this.buffers.get(key) ?? new LineBuffer()
    this.buffers.set(key, buffer)
    return this.print(stream, command.host, buffer.push(data))
  }

  async ended({ id, host }: CommandView): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const last = this.buffers.get(`${id}/${stream}`)?.flush()
      this.buffers.delete(`${id}/${stream}`)
      if (last) await this.print(stream, host.name, [last])
    }
  }

  private print(stream: 'stdout' | 'stderr', host: string, lines: readonly Buffer[]): void | Promise<void> {
    return writeLines(this.streams[stream], lines, this.prefixes[stream].get(host))
  }
}

const LINE_END = Buffer.from('\n')

/** Writes whole lines, made harmless on a terminal. */
export function writeLines(
  stream: Context['stdout'],
  lines: readonly Buffer[],
  prefix = '',
): void | Promise<void> {
  if (lines.length === 0) return
  const shown = stream.isTTY ? lines.map(harmless) : lines
  const start = Buffer.from(prefix)
  return write(stream, Buffer.concat(shown.flatMap((line) => [start, line, LINE_END])))
}

/** Makes a line harmless: on a terminal shared by many hosts, none may write the lines of another. */
export const harmless = (line: Buffer): Buffer => Buffer.from(terminalLine(line.toString('utf8')))

const toPrefix = (host: string, colour: number | undefined) =>
  colour === undefined ? `${host} | ` : `\x1b[${colour}m${host} |\x1b[0m `

export const isColoured = (stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv) =>
  stream.isTTY === true && !env.NO_COLOR

/** One JSON object a line: `output` with base64 data, `command` for a change of state, `end`. */
export const jsonPrinter = ({ stdout }: Streams): Printer => ({
  output: ({ id, host }, { offset, stream, data }) =>
    write(
      stdout,
      jsonLine({ type: 'output', commandId: id, host, stream, offset, data: data.toString('base64') }),
    ),
  changed: (command) => void stdout.write(jsonLine({ type: 'command', command })),
  ended: (command) => write(stdout, jsonLine({ type: 'end', command })),
})
