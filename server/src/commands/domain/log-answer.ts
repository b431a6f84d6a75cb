import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { AgentResult, CommandResult } from '@rollcall/contracts/agent'
import { joinChunks, type OutputPiece } from '../output/domain/output.ts'
import type { Ending } from './command.ts'

export type LogAnswer = AgentResult<'get_command_log'>

/** Answers without news that may follow each other before there is a pause between questions. */
const FREE_EMPTY_ANSWERS = 3
const EMPTY_ANSWER_PAUSE_MS = 500
/** Between answers whose output is not stored. */
const CUT_PAUSE_MS = 500

/** Decodes the output of an answer that begins at `offset`. Throws `agent.invalid_answer` when the agent's count and its bytes differ. */
export function toPiece(answer: LogAnswer, offset: number): OutputPiece {
  const chunks = [{ log_type: answer.log_type, log_data: answer.log_data }, ...answer.further]
  const piece = joinChunks(
    chunks.map((chunk) => ({ stream: chunk.log_type, data: Buffer.from(chunk.log_data, 'base64') })),
  )
  if (answer.new_offset !== offset + piece.data.length)
    throw new RollcallError(
      'agent.invalid_answer',
      `The agent sent ${piece.data.length} bytes of output but counted ${answer.new_offset - offset}.`,
      { outcome: 'unknown' },
    )
  return piece
}

/** Converts what the agent says of a command that has ended. */
export function toEnding(result: CommandResult): Ending {
  return {
    state: result.status,
    exitCode: result.return_code,
    signal: result.signal,
    reasonCode: result.reason,
    reason: result.message,
    droppedBytes: result.dropped,
    durationMs: result.started_at_ms === null ? null : Math.max(0, result.ended_at_ms - result.started_at_ms),
  }
}

/**
 * Decides how long to wait before the next question for output, in milliseconds. An agent that keeps to the contract answers
 * with nothing only after its wait; another one must not make the server ask without end.
 */
export function pauseBeforeNext({
  emptyAnswers,
  isCutting,
}: {
  emptyAnswers: number
  isCutting: boolean
}): number {
  if (emptyAnswers > FREE_EMPTY_ANSWERS) return EMPTY_ANSWER_PAUSE_MS
  // Output beyond the server's bounds is better cut by the host, which counts it too.
  return isCutting ? CUT_PAUSE_MS : 0
}

const RECORDS_LOST: Ending = {
  state: 'lost',
  reasonCode: 'command.unanswered',
  reason:
    'The host no longer knows this command: its records were lost. Look at the host to see what it did.',
}

/** Errors that say how a command ended, in place of the answer that was requested. */
export const ENDING_BY_CODE: Partial<Record<ErrorCode, Ending>> = {
  'command.not_found': RECORDS_LOST,
  'command.output_gone': RECORDS_LOST,
  'host.not_found': {
    state: 'lost',
    reasonCode: 'host.not_found',
    reason: 'Its host was removed from the fleet before it had ended.',
  },
}
