import type { Command } from '../../domain/command.ts'
import { joinChunks, type OutputPiece, splitPiece } from './output.ts'

/** How much of a command's output is stored, and how much was cut. */
export interface OutputState {
  /** Bytes that are stored, marks included. */
  storedBytes: number
  /** Bytes of our own marks among them. */
  markBytes: number
  /** Bytes that were taken from the host and not stored. */
  cutBytes: number
  /** The last bytes that came were cut. */
  isCut: boolean
}

/** Bytes that may be stored. */
export interface OutputRoom {
  /** Bound for one command, marks not counted. */
  perCommand: number
  /** Bound for all commands together, and how much of it is left. */
  total: number
  left: number
}

export interface BoundedPiece {
  /** Bytes to store, marks included; may be empty. */
  piece: OutputPiece
  next: OutputState
}

export const UNCUT: OutputState = { storedBytes: 0, markBytes: 0, cutBytes: 0, isCut: false }

/** Reads from a command how much of its output is stored. */
export const toOutputState = (
  command: Pick<Command, 'outputBytes' | 'markBytes' | 'cutBytes' | 'isOutputCut'>,
): OutputState => ({
  storedBytes: command.outputBytes,
  markBytes: command.markBytes,
  cutBytes: command.cutBytes,
  isCut: command.isOutputCut,
})

/** Computes how much of what the host has written has been taken, stored or cut. */
export const takenBytes = ({ storedBytes, markBytes, cutBytes }: OutputState): number =>
  storedBytes - markBytes + cutBytes

/** Decides how much of a piece is stored, with a mark where the output is cut and where it goes on. */
export function boundPiece(state: OutputState, piece: OutputPiece, room: OutputRoom): BoundedPiece {
  const size = piece.data.length
  const ofCommand = Math.max(0, room.perCommand - (state.storedBytes - state.markBytes))
  const fitting = Math.min(size, ofCommand, Math.max(0, room.left))
  const isCut = fitting < size
  const why =
    ofCommand <= room.left
      ? `this server stores ${room.perCommand} bytes of a command at most (ROLLCALL_OUTPUT_BYTES)`
      : `this server stores ${room.total} bytes of all commands at most (ROLLCALL_OUTPUT_TOTAL_BYTES)`
  const before =
    state.isCut && fitting > 0 ? mark(`output goes on here; ${state.cutBytes} bytes were cut so far`) : null
  const isFirst = isCut && (!state.isCut || before !== null)
  const after = isFirst ? mark(`output is cut here: ${why}`) : null
  const marks = (before?.length ?? 0) + (after?.length ?? 0)
  return {
    piece: marks === 0 && !isCut ? piece : withMarks(piece, fitting, before, after),
    next: {
      storedBytes: state.storedBytes + fitting + marks,
      markBytes: state.markBytes + marks,
      cutBytes: state.cutBytes + size - fitting,
      isCut,
    },
  }
}

/** Makes the mark that closes an output whose end was cut; null where it was not. */
export function closingPiece(state: OutputState): BoundedPiece | null {
  if (!state.isCut) return null
  const data = mark(`the output ends here; ${state.cutBytes} bytes of it were cut`)
  const { storedBytes, markBytes } = state
  return {
    piece: joinChunks([{ stream: 'stderr', data }]),
    next: {
      ...state,
      storedBytes: storedBytes + data.length,
      markBytes: markBytes + data.length,
      isCut: false,
    },
  }
}

// On a terminal too each line begins at the left.
const mark = (text: string): Buffer => Buffer.from(`\r\n[rollcall] ${text}\r\n`)

function withMarks(
  piece: OutputPiece,
  size: number,
  before: Buffer | null,
  after: Buffer | null,
): OutputPiece {
  const ofOurs = (data: Buffer | null) => (data === null ? [] : [{ stream: 'stderr' as const, data }])
  return joinChunks([...ofOurs(before), ...splitPiece(piece, 0, 0, size), ...ofOurs(after)])
}
