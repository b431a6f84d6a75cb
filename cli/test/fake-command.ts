import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { RollcallError } from '@rollcall/contracts'
import { type CommandKind, type CommandView, isFinalState, type OutputChunk } from '@rollcall/contracts/admin'
import type { ApiRequest } from './contract-server.ts'

interface Spec {
  runId: string
  host: { id: string; name: string }
  kind?: CommandKind
  program: string
  args?: string[]
  timeoutMs?: number
  tty?: boolean
}

/** A command whose life the test decides. Emits `news`. Survives restarts of the fake server, as the database does. */
export class FakeCommand extends EventEmitter<{ news: [] }> {
  readonly view: CommandView
  readonly chunks: OutputChunk[] = []
  /** The standard input that it has got. */
  input = Buffer.alloc(0)
  hasInputEnded = false
  readonly sizes: { columns: number; rows: number }[] = []

  constructor({
    runId,
    host,
    kind = 'command',
    program,
    args = [],
    timeoutMs = 3_600_000,
    tty = false,
  }: Spec) {
    super()
    this.setMaxListeners(0)
    this.view = {
      id: randomUUID(),
      runId,
      kind,
      host,
      program,
      args,
      cwd: '/',
      tty,
      timeoutMs,
      state: 'pending',
      isHeld: false,
      reasonCode: null,
      reason: null,
      exitCode: null,
      signal: null,
      requestedBy: 'local',
      cancelRequested: false,
      createdAt: new Date().toISOString(),
      startedAt: null,
      endedAt: null,
      outputBytes: 0,
      droppedBytes: 0,
      inputBytes: 0,
    }
  }

  start(): this {
    this.view.state = 'running'
    this.view.startedAt = new Date().toISOString()
    this.emit('news')
    return this
  }

  write(data: string | Buffer, stream: 'stdout' | 'stderr' = 'stdout'): this {
    const bytes = Buffer.from(data as string)
    this.chunks.push({ offset: this.view.outputBytes, stream, data: bytes.toString('base64') })
    this.view.outputBytes += bytes.length
    this.emit('news')
    return this
  }

  end(ending: Partial<CommandView> = {}): this {
    Object.assign(this.view, { state: 'success', exitCode: 0, endedAt: new Date().toISOString() }, ending)
    this.emit('news')
    return this
  }

  cancel(): this {
    if (!this.isFinal) this.view.cancelRequested = true
    this.emit('news')
    return this
  }

  /** Takes a piece of standard input, which may come again. */
  take({ offset, data, eof }: ApiRequest<'writeInput'>['body']): { nextOffset: number } {
    if (this.view.state !== 'running') throw new RollcallError('command.not_running', 'It does not run.')
    const piece = Buffer.from(data, 'base64')
    if (offset > this.input.length) throw new Error('a gap in the input')
    this.input = Buffer.concat([this.input.subarray(0, offset), piece])
    this.hasInputEnded ||= eof
    this.emit('news')
    return { nextOffset: offset + piece.length }
  }

  get isFinal(): boolean {
    return isFinalState(this.view.state)
  }

  /** Everything from a byte on, in the pieces in which it was written. */
  outputFrom(offset: number): OutputChunk[] {
    return this.chunks.flatMap((chunk) => {
      const data = Buffer.from(chunk.data, 'base64')
      const skip = Math.max(0, offset - chunk.offset)
      if (skip >= data.length) return []
      return [{ ...chunk, offset: chunk.offset + skip, data: data.subarray(skip).toString('base64') }]
    })
  }
}
