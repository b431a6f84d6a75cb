import { isFinalState, type LiveEvent } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import {
  type CommandEvents,
  type CommandsService,
  type OutputStored,
  splitPiece,
  viewOf,
} from '../commands/index.ts'
import { Alarm } from '../platform/clock/alarm.ts'
import { drained, SLOW_BYTES } from './drained.ts'

/** Bytes read from the database at a time. */
const PAGE_BYTES = 512 * 1024
/** A change that this process did not see, because another server made it, is seen at the next look. */
const LOOK_AGAIN_MS = 2000

/**
 * Feeds one viewer one command: stored output up to the present, then what comes, by offset. Pieces that arrive while
 * the database is being read are not kept: a gap is read from the database again, so the memory per viewer is bounded.
 */
export class CommandFollower {
  private isStopped = false
  private readonly news = new Alarm()
  /** Output came from this process of late: then so would a change of state, and nobody has to look. */
  private isFed = false
  private shownState = ''

  constructor(
    private readonly commandId: string,
    private offset: number,
    private readonly socket: WebSocket,
    private readonly commands: CommandsService,
    private readonly events: CommandEvents,
  ) {}

  stop(): void {
    this.isStopped = true
    this.news.ring()
  }

  /** Ends when the command has ended and all was sent, when stopped, or with the error that the database gave. */
  async run(): Promise<void> {
    const unfollow = this.events.follow(
      this.commandId,
      (event) => this.onOutput(event),
      () => this.news.ring(),
    )
    try {
      while (!this.isStopped) {
        if (await this.catchUp()) return
        while (!(await this.news.wait(LOOK_AGAIN_MS)) && this.isFed) this.isFed = false
      }
    } finally {
      unfollow()
    }
  }

  /** Sends what is stored beyond our offset. True when that was all there will ever be. */
  private async catchUp(): Promise<boolean> {
    for (;;) {
      await drained(this.socket, () => this.isStopped)
      if (this.isStopped) return true
      const page = await this.commands.readOutput(this.commandId, this.offset, PAGE_BYTES)
      for (const chunk of page.chunks) {
        // A piece that came live while we read may have been sent already.
        const sent = this.offset - chunk.offset
        const data = Buffer.from(chunk.data, 'base64').subarray(Math.max(0, sent))
        if (data.length > 0 && sent >= 0) this.sendOutput(this.offset, chunk.stream, data)
      }
      const command = viewOf(await this.commands.show(this.commandId))
      if (command.state !== this.shownState) {
        this.shownState = command.state
        this.send({ type: 'command', command })
      }
      if (isFinalState(command.state) && this.offset >= command.outputBytes) {
        this.send({ type: 'end', command })
        return true
      }
      if (page.chunks.length === 0) return false
    }
  }

  private onOutput(event: OutputStored): void {
    const end = event.offset + event.data.length
    // The database is ahead of what is told: what was read there comes once more.
    if (end <= this.offset) return
    if (event.offset <= this.offset && !this.isStopped && this.socket.bufferedAmount < SLOW_BYTES) {
      for (const message of messagesOf(event, this.offset)) this.sendRaw(message)
      this.offset = end
      this.isFed = true
    } else this.news.ring()
  }

  private sendOutput(offset: number, stream: 'stdout' | 'stderr', data: Buffer): void {
    this.sendRaw(encode({ commandId: this.commandId, offset, stream, data }))
    this.offset = offset + data.length
  }

  private send(event: LiveEvent): void {
    this.sendRaw(Buffer.from(JSON.stringify(event)))
  }

  private sendRaw(message: Buffer): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(message, { binary: false })
  }
}

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
function messagesOf(event: OutputStored, from: number): Buffer[] {
  const known = from === event.offset ? encoded.get(event) : undefined
  if (known) return known
  const { commandId } = event
  const made = [...splitPiece(event, event.offset, from)].map((chunk) => encode({ commandId, ...chunk }))
  if (from === event.offset) encoded.set(event, made)
  return made
}
