import { Injectable } from '@nestjs/common'
import type { LogType } from '@rollcall/contracts/agent'
import { Batcher, toMatches } from '../../platform/batcher.ts'
import { Database } from '../../platform/prisma/database.ts'
import { OPEN_COMMANDS } from '../../platform/prisma/state-sets.ts'
import type { OutputPiece, OutputRange, PlacedPiece } from './domain/output.ts'
import { type OutputState, UNCUT } from './domain/output-bound.ts'

/** Pieces up to this size are stored together with others. In an array of bytes each takes two characters, so larger ones lose by it. */
const SMALL_PIECE_BYTES = 8192
/** Pieces looked at, and bytes that are read, at most at a time: of a stream that says little, many pieces hold a few bytes each. */
const MAX_PIECES = 1000
const MAX_RAW_BYTES = 8 * 1024 * 1024

interface Append {
  id: string
  owner: string
  offset: number
  piece: OutputPiece
  bound: { before: OutputState; next: OutputState }
}

/** Lengths in `runs` are stdout's at odd places, counted from 1, and stderr's at even ones. */
const sizeOf = (stream: LogType | undefined) =>
  stream === undefined
    ? 'length(data)'
    : `(SELECT coalesce(sum(run), 0) FROM unnest(runs) WITH ORDINALITY AS part(run, place)
        WHERE place % 2 = ${stream === 'stdout' ? 1 : 0})`

/**
 * Stored output: appends, reads in both directions, and removes it. One instance works for one server: pieces that come
 * together are stored in one statement, under the owner of the first.
 */
@Injectable()
export class OutputRepository {
  // Runs on many hosts bring output of many commands at once.
  private readonly pieces = new Batcher((items: Append[]) => this.appendAll(items))

  constructor(private readonly database: Database) {}

  /** Stores output that starts at `offset`, once. Returns false when it is already there or the lease is gone. */
  append(
    id: string,
    owner: string,
    offset: number,
    piece: OutputPiece,
    bound: Append['bound'] = { before: UNCUT, next: UNCUT },
  ): Promise<boolean> {
    const item = { id, owner, offset, piece, bound }
    if (piece.data.length > SMALL_PIECE_BYTES)
      return this.appendAll([item]).then(([isStored]) => isStored === true)
    return this.pieces.add(item)
  }

  private async appendAll(pieces: readonly Append[]): Promise<boolean[]> {
    const [first] = pieces as [Append]
    const rows = await this.database.query<{ id: string }>(
      `WITH piece AS (
         SELECT id, start, data, runs::int[] AS runs, was_cut, cut, marked, is_cut
         FROM unnest($1::uuid[], $2::int8[], ${pieces.length === 1 ? 'ARRAY[$3::bytea]' : '$3::bytea[]'}, $4::text[],
           $6::int8[], $7::int8[], $8::int8[], $9::bool[]) AS piece(id, start, data, runs, was_cut, cut, marked, is_cut)
       ), moved AS (
         UPDATE command SET output_bytes = piece.start + length(piece.data), unanswered_since = NULL,
           output_cut_bytes = cut, output_mark_bytes = marked, is_output_cut = is_cut,
           dropped_bytes = dropped_bytes + cut - was_cut
         FROM piece
         WHERE command.id = piece.id AND lease_owner = $5 AND output_bytes = piece.start AND output_cut_bytes = was_cut
           AND state IN (${OPEN_COMMANDS})
         RETURNING command.id, piece.start, piece.data, piece.runs
       ), added AS (
         INSERT INTO output_chunk (command_id, "offset", data, runs) SELECT id, start, data, runs FROM moved WHERE length(data) > 0
       )
       SELECT id FROM moved`,
      [
        pieces.map(({ id }) => id),
        pieces.map(({ offset }) => offset),
        pieces.length === 1 ? first.piece.data : pieces.map(({ piece }) => piece.data),
        pieces.map(({ piece }) => `{${piece.runs.join(',')}}`),
        first.owner,
        pieces.map(({ bound }) => bound.before.cutBytes),
        pieces.map(({ bound }) => bound.next.cutBytes),
        pieces.map(({ bound }) => bound.next.markBytes),
        pieces.map(({ bound }) => bound.next.isCut),
      ],
    )
    return toMatches(pieces, rows)
  }

  /** Returns pieces with bytes of the stream from `offset` on, in order. */
  after(id: string, offset: number, range: OutputRange): Promise<PlacedPiece[]> {
    const from = `"offset" >= coalesce(
      (SELECT max("offset") FROM output_chunk WHERE command_id = $1 AND "offset" <= $2), 0)`
    return this.read(id, offset, range, from, 'ASC')
  }

  /** Returns the last pieces with bytes of the stream before `offset`, in order. */
  before(id: string, offset: number, range: OutputRange): Promise<PlacedPiece[]> {
    return this.read(id, offset, range, '"offset" < $2', 'DESC')
  }

  private async read(
    id: string,
    offset: number,
    { stream, maxBytes }: OutputRange,
    where: string,
    direction: 'ASC' | 'DESC',
  ): Promise<PlacedPiece[]> {
    return this.database.query(
      `WITH nearest AS (
         SELECT "offset", size, length(data) AS raw
         FROM output_chunk CROSS JOIN LATERAL (SELECT ${sizeOf(stream)} AS size) AS own
         WHERE command_id = $1 AND ${where} AND size > 0 ORDER BY "offset" ${direction} LIMIT ${MAX_PIECES}
       ), pieces AS (
         SELECT "offset", size, raw, sum(size) OVER passed AS total, sum(raw) OVER passed AS total_raw
         FROM nearest WINDOW passed AS (ORDER BY "offset" ${direction})
       )
       SELECT output_chunk."offset"::float8 AS "offset", data, runs FROM output_chunk JOIN pieces USING ("offset")
       WHERE command_id = $1 AND total - size < $3 AND total_raw - raw < ${MAX_RAW_BYTES} ORDER BY "offset"`,
      [id, offset, maxBytes],
    )
  }

  /** Returns the first `bytes` bytes of the output of each command, by command and in order. */
  async heads(ids: readonly string[], bytes: number): Promise<(PlacedPiece & { commandId: string })[]> {
    return this.database.query(
      `SELECT command_id AS "commandId", "offset"::float8 AS "offset",
         substring(data FOR $2 - "offset"::int) AS data, runs FROM output_chunk
       WHERE command_id = ANY($1::uuid[]) AND "offset" < $2 ORDER BY command_id, "offset"`,
      [ids, bytes],
    )
  }

  /** Stores the digests by which outputs are compared. */
  async storeDigests(digests: readonly { id: string; digest: Buffer }[]): Promise<void> {
    await this.database.execute(
      `UPDATE command SET output_digest = digest
       FROM unnest($1::uuid[], $2::bytea[]) AS compared(id, digest) WHERE command.id = compared.id`,
      [digests.map(({ id }) => id), digests.map(({ digest }) => digest)],
    )
  }

  /** Returns how many bytes of output are stored, of all commands. */
  async sumBytes(): Promise<number> {
    const sum = await this.database.one<{ bytes: number }>(
      'SELECT coalesce(sum(output_bytes), 0)::float8 AS bytes FROM command WHERE output_removed_at IS NULL AND output_bytes > 0',
    )
    return sum.bytes
  }

  /** Removes the output of at most `limit` commands that ended before `before`. Returns of how many. */
  async removeEndedBefore(before: Date, now: Date, limit: number): Promise<number> {
    return this.database.execute(
      `WITH old AS (
         SELECT id FROM command
         WHERE ended_at < $1 AND output_removed_at IS NULL AND output_bytes > 0
         ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
       ), removed AS (
         DELETE FROM output_chunk USING old WHERE command_id = old.id
       )
       UPDATE command SET output_removed_at = $2 FROM old WHERE command.id = old.id`,
      [before, now, limit],
    )
  }

  /** Removes the output of the commands that ended first, until `bytes` are gone or `limit` of them. Returns what was removed. */
  async removeOldest(bytes: number, now: Date, limit: number): Promise<{ commands: number; bytes: number }> {
    return this.database.one(
      `WITH ended AS (
         SELECT id, ended_at, output_bytes FROM command
         WHERE ended_at IS NOT NULL AND output_removed_at IS NULL AND output_bytes > 0
         ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
       ), old AS (
         SELECT id, output_bytes FROM (
           SELECT id, output_bytes, sum(output_bytes) OVER (ORDER BY ended_at, id) AS sum FROM ended
         ) AS summed WHERE sum - output_bytes < $1
       ), removed AS (
         DELETE FROM output_chunk USING old WHERE command_id = old.id
       ), noted AS (
         UPDATE command SET output_removed_at = $2 FROM old WHERE command.id = old.id
       )
       SELECT count(*)::int AS commands, coalesce(sum(output_bytes), 0)::float8 AS bytes FROM old`,
      [bytes, now, limit],
    )
  }
}
