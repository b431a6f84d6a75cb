import type { PlacedPiece } from './output.ts'

/** A piece of a command's output that was just stored. */
export interface OutputStored extends PlacedPiece {
  commandId: string
}

/** The last piece is kept, whatever its size. */
const KEPT_BYTES = 1024 * 1024

/** The end of a command's output, kept in memory once for all viewers, so that one that is a little behind need not read the database. */
export class LatestOutput {
  /** Each begins where the one before ended. */
  private pieces: OutputStored[] = []
  private bytes = 0

  /** The byte after the last. */
  get end(): number {
    const last = this.pieces.at(-1)
    return last ? endOf(last) : 0
  }

  add(piece: OutputStored): void {
    if (piece.offset !== this.end) {
      this.pieces = []
      this.bytes = 0
    }
    this.pieces.push(piece)
    this.bytes += piece.data.length
    while (this.bytes > KEPT_BYTES && this.pieces.length > 1)
      this.bytes -= this.pieces.shift()?.data.length ?? 0
  }

  /** Returns the pieces that hold all from byte `offset` on; none when there is nothing more, or when it is no longer kept. */
  from(offset: number): readonly OutputStored[] {
    const first = this.pieces.findIndex((piece) => piece.offset <= offset && offset < endOf(piece))
    return first < 0 ? [] : this.pieces.slice(first)
  }
}

const endOf = ({ offset, data }: OutputStored) => offset + data.length
