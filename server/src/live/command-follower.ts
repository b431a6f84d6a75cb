import { isFinalState, type LiveEvent } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import {
  type CommandEvents,
  type CommandsService,
  type FollowedCommand,
  type OutputReader,
  type OutputStored,
  splitPiece,
  toCommandView,
} from '../commands/index.ts'
import { Alarm } from '../platform/clock/alarm.ts'
import { MAX_UNSENT_BYTES, waitForDrain } from './wait-for-drain.ts'

/** Bytes read from the database at a time. */
const PAGE_BYTES = 512 * 1024
/** A change by another server is seen at the next poll. */
const POLL_INTERVAL_MS = 2000

/**
 * Sends one command's output to one viewer by offset: what is stored, then what comes. The latest is kept in memory, once for all
 * viewers; one that is further behind reads the database again, so the memory per viewer is bounded.
 */
export class CommandFollower {
  private offset: number
  /** A viewer further behind skips to the newest output. */
  private readonly maxLagBytes: number
  private isStopped = false
  private readonly changed = new Alarm()
  /** Output came from this process of late: then so would a change of state, and no poll is needed. */
  private isFed = false
  private shownState = ''

  constructor(
    private readonly commandId: string,
    { offset, maxLagBytes = Number.POSITIVE_INFINITY }: { offset: number; maxLagBytes?: number | undefined },
    private readonly socket: WebSocket,
    private readonly sources: { commands: CommandsService; outputs: OutputReader; events: CommandEvents },
  ) {
    this.offset = offset
    this.maxLagBytes = maxLagBytes
  }

  stop(): void {
    this.isStopped = true
    this.changed.ring()
  }

  /** Resolves when the command has ended and all was sent, or when stopped. Throws what the database throws. */
  async run(): Promise<void> {
    const followed = this.sources.events.follow(
      this.commandId,
      () => {
        if (!this.sendLatest(followed)) this.changed.ring()
      },
      () => this.changed.ring(),
    )
    try {
      while (!this.isStopped) {
        if (await this.catchUp(followed)) return
        while (!(await this.changed.wait(POLL_INTERVAL_MS)) && this.isFed) this.isFed = false
      }
    } finally {
      followed.stop()
    }
  }

  /** Sends the stored output from the offset on. Returns true when no more will come. */
  private async catchUp(followed: FollowedCommand): Promise<boolean> {
    for (;;) {
      await waitForDrain(this.socket, () => this.isStopped)
      if (this.isStopped) return true
      await this.skipAhead()
      const page = await this.sources.outputs.read(this.commandId, {
        offset: this.offset,
        maxBytes: PAGE_BYTES,
      })
      if (this.isStopped) return true
      let hasNews = false
      for (const chunk of page.chunks) {
        // A piece that came live while we read may have been sent already.
        const sent = this.offset - chunk.offset
        const data = Buffer.from(chunk.data, 'base64').subarray(Math.max(0, sent))
        if (data.length === 0 || sent < 0) continue
        this.sendOutput(this.offset, chunk.stream, data)
        hasNews = true
      }
      this.sendLatest(followed)
      const command = toCommandView(await this.sources.commands.show(this.commandId))
      if (command.state !== this.shownState) {
        this.shownState = command.state
        this.send({ type: 'command', command })
      }
      if (isFinalState(command.state) && this.offset >= command.outputBytes) {
        this.send({ type: 'end', command })
        return true
      }
      // All that was stored when we read is sent; of what came since, the bell was rung.
      if (!hasNews) return false
    }
  }

  /** Passes over what nobody could read as fast as it comes: the newest is what a viewer who follows wants to see. */
  private async skipAhead(): Promise<void> {
    if (this.maxLagBytes === Number.POSITIVE_INFINITY) return
    const { outputBytes } = await this.sources.commands.show(this.commandId)
    this.offset = afterLag(this.offset, outputBytes, this.maxLagBytes)
  }

  /** Sends what is held in memory. False when the viewer needs more than that, or is too slow for it. */
  private sendLatest({ output }: FollowedCommand): boolean {
    for (const piece of output.from(this.offset)) {
      if (this.isStopped || this.socket.bufferedAmount >= MAX_UNSENT_BYTES) return false
      for (const message of messagesOf(piece, this.offset)) this.sendRaw(message)
      this.offset = piece.offset + piece.data.length
      this.isFed = true
    }
    return this.offset >= output.end
  }

  private sendOutput(offset: number, stream: 'stdout' | 'stderr', data: Buffer): void {
    this.sendRaw(encode({ commandId: this.commandId, offset, stream, data }))
    this.offset = offset + data.length
  }

  private send(event: LiveEvent): void {
    this.sendRaw(Buffer.from(JSON.stringify(event)))
  }

  private sendRaw(message: Buffer): void {
    if (!this.isStopped && this.socket.readyState === this.socket.OPEN)
      this.socket.send(message, { binary: false })
  }
}

/** Where a viewer goes on: half of what it may be behind, so that it is not taken on again at once. */
export const afterLag = (offset: number, outputBytes: number, maxLagBytes: number) =>
  outputBytes - offset > maxLagBytes ? outputBytes - Math.floor(maxLagBytes / 2) : offset

const encode = ({
  data,
  ...chunk
}: {
  commandId: string
  offset: number
  stream: 'stdout' | 'stderr'
  data: Buffer
}) =>
  Buffer.from(JSON.stringify({ type: 'output', ...chunk, data: data.toString('base64') } satisfies LiveEvent))

const encoded = new WeakMap<OutputStored, Buffer[]>()

/** A piece from an offset on as it is sent: as a whole made once however many look at it. */
function messagesOf(piece: OutputStored, from: number): Buffer[] {
  const known = from === piece.offset ? encoded.get(piece) : undefined
  if (known) return known
  const { commandId } = piece
  const made = [...splitPiece(piece, piece.offset, from)].map((chunk) => encode({ commandId, ...chunk }))
  if (from === piece.offset) encoded.set(piece, made)
  return made
}
