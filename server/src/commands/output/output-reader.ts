import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type CommandOutput, isFinalState } from '@rollcall/contracts/admin'
import type { LogType } from '@rollcall/contracts/agent'
import { notFound } from '../../access/index.ts'
import { CommandsRepository } from '../commands.repository.ts'
import type { Command } from '../domain/command.ts'
import { type PlacedPiece, splitPiece } from './domain/output.ts'
import { OutputRepository } from './output.repository.ts'

const PAGE_BYTES = 1024 * 1024

export interface OutputPage {
  /** Where to begin; not asked with `before`. */
  offset: number
  /** Reads backwards from here. */
  before?: number | undefined
  /** One stream alone. */
  stream?: LogType | undefined
  maxBytes: number
}

/** Reads stored output. */
@Injectable()
export class OutputReader {
  constructor(
    private readonly commands: CommandsRepository,
    private readonly outputs: OutputRepository,
  ) {}

  /**
   * Reads about `maxBytes`. Offsets count bytes, so a character may straddle two reads. Throws `command.not_found` and
   * `command.output_gone`.
   */
  async read(id: string, { stream, before, offset, maxBytes }: OutputPage): Promise<CommandOutput> {
    // The state is read first: a command that had ended by then has all its output stored.
    const { state, outputBytes } = await this.withOutput(id)
    if (before !== undefined) {
      const pieces = await this.outputs.before(id, before, { stream, maxBytes })
      return {
        chunks: toChunks(pieces, stream, 0, before),
        firstOffset: pieces[0]?.offset ?? 0,
        nextOffset: before,
        isFinal: isFinalState(state) && before >= outputBytes,
      }
    }
    const pieces = await this.outputs.after(id, offset, { stream, maxBytes })
    // Of one stream whole pieces are read: what the other wrote in between is not counted.
    const to = stream === undefined ? offset + maxBytes : undefined
    const last = pieces.at(-1)
    // Where nothing of the stream comes any more, all that there was is passed over.
    const end = last ? last.offset + last.data.length : Math.max(offset, outputBytes)
    const nextOffset = Math.min(end, to ?? end)
    return {
      chunks: toChunks(pieces, stream, offset, to),
      firstOffset: offset,
      nextOffset,
      isFinal: isFinalState(state) && nextOffset >= outputBytes,
    }
  }

  /** Reads what a command wrote to one stream, as text of at most about `maxBytes`. Throws as `read` does. */
  async readText(id: string, stream: LogType, maxBytes: number): Promise<string> {
    const parts: Buffer[] = []
    let size = 0
    for (let offset = 0; size < maxBytes; ) {
      const page = await this.read(id, { offset, stream, maxBytes: PAGE_BYTES })
      if (page.chunks.length === 0) break
      for (const { data } of page.chunks) parts.push(Buffer.from(data, 'base64'))
      size = parts.reduce((sum, { length }) => sum + length, 0)
      offset = page.nextOffset
    }
    return Buffer.concat(parts).toString('utf8')
  }

  private async withOutput(id: string): Promise<Command> {
    const command = await this.commands.find(id)
    if (!command) throw notFound('command', id)
    if (!command.outputRemovedAt) return command
    throw new RollcallError(
      'command.output_gone',
      `The output of this command was removed on ${command.outputRemovedAt.toISOString()}, when it was old enough. ROLLCALL_OUTPUT_DAYS says how long output is kept.`,
    )
  }
}

const toChunks = (
  pieces: readonly PlacedPiece[],
  stream: LogType | undefined,
  from: number,
  to: number | undefined,
) =>
  pieces
    .flatMap((piece) => splitPiece(piece, piece.offset, from, to))
    .filter((chunk) => stream === undefined || chunk.stream === stream)
    .map((chunk) => ({ offset: chunk.offset, stream: chunk.stream, data: chunk.data.toString('base64') }))
