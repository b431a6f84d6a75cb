import { Injectable } from '@nestjs/common'
import { type CommandOutput, isFinalState, type OutputQuery } from '@rollcall/contracts/admin'
import type { LogType } from '@rollcall/contracts/agent'
import { CommandsService } from './commands.service.ts'
import type { OutputPiece } from './domain/command.ts'
import { splitPiece } from './domain/output.ts'
import { OutputRepository } from './output.repository.ts'

type Placed = OutputPiece & { offset: number }

/** Reads stored output as people do who look for something: backwards too, and one stream alone. */
@Injectable()
export class OutputReader {
  constructor(
    private readonly commands: CommandsService,
    private readonly outputs: OutputRepository,
  ) {}

  /** Reads about `maxBytes`, by whole pieces. Throws `command.not_found` and `command.output_gone`. */
  async read(id: string, { stream, before, offset, maxBytes }: OutputQuery): Promise<CommandOutput> {
    // The state is read first: a command that had ended by then has all its output stored.
    const { state, outputBytes } = await this.commands.withOutput(id)
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
    const last = pieces.at(-1)
    // Where nothing of the stream comes any more, all that there was is passed over.
    const nextOffset = last ? last.offset + last.data.length : Math.max(offset, outputBytes)
    return {
      chunks: toChunks(pieces, stream, offset),
      firstOffset: offset,
      nextOffset,
      isFinal: isFinalState(state) && nextOffset >= outputBytes,
    }
  }
}

const toChunks = (pieces: readonly Placed[], stream: LogType | undefined, from: number, to?: number) =>
  pieces
    .flatMap((piece) => splitPiece(piece, piece.offset, from, to))
    .filter((chunk) => stream === undefined || chunk.stream === stream)
    .map((chunk) => ({ offset: chunk.offset, stream: chunk.stream, data: chunk.data.toString('base64') }))
