import { Injectable } from '@nestjs/common'
import type { LogType } from '@rollcall/contracts/agent'
import { Database } from '../platform/prisma/database.ts'
import type { OutputPiece } from './domain/command.ts'

/** Pieces looked at, and bytes that are brought, at most at a time: of a stream that says little, many pieces hold a few bytes each. */
const MAX_PIECES = 1000
const MAX_RAW_BYTES = 8 * 1024 * 1024

export interface OutputWish {
  stream: LogType | undefined
  /** About so many bytes of that stream. */
  maxBytes: number
}

/** Lengths in `runs` are stdout's at odd places, counted from 1, and stderr's at even ones. */
const sizeOf = (stream: LogType | undefined) =>
  stream === undefined
    ? 'length(data)'
    : `(SELECT coalesce(sum(run), 0) FROM unnest(runs) WITH ORDINALITY AS part(run, place)
        WHERE place % 2 = ${stream === 'stdout' ? 1 : 0})`

/** Stored output in both directions, of both streams or of one. */
@Injectable()
export class OutputRepository {
  constructor(private readonly database: Database) {}

  /** Pieces with bytes of the stream from `offset` on, in order. */
  after(id: string, offset: number, wish: OutputWish) {
    const from = `"offset" >= coalesce(
      (SELECT max("offset") FROM output_chunk WHERE command_id = $1 AND "offset" <= $2), 0)`
    return this.read(id, offset, wish, from, 'ASC')
  }

  /** The last pieces with bytes of the stream before `offset`, in order. */
  before(id: string, offset: number, wish: OutputWish) {
    return this.read(id, offset, wish, '"offset" < $2', 'DESC')
  }

  private async read(
    id: string,
    offset: number,
    { stream, maxBytes }: OutputWish,
    where: string,
    direction: 'ASC' | 'DESC',
  ): Promise<(OutputPiece & { offset: number })[]> {
    const { rows } = await this.database.pool.query(
      `WITH nearest AS (
         SELECT "offset", size, length(data) AS raw
         FROM output_chunk CROSS JOIN LATERAL (SELECT ${sizeOf(stream)} AS size) AS own
         WHERE command_id = $1 AND ${where} AND size > 0 ORDER BY "offset" ${direction} LIMIT ${MAX_PIECES}
       ), pieces AS (
         SELECT "offset", size, raw, sum(size) OVER way AS total, sum(raw) OVER way AS total_raw
         FROM nearest WINDOW way AS (ORDER BY "offset" ${direction})
       )
       SELECT output_chunk."offset"::float8 AS "offset", data, runs FROM output_chunk JOIN pieces USING ("offset")
       WHERE command_id = $1 AND total - size < $3 AND total_raw - raw < ${MAX_RAW_BYTES} ORDER BY "offset"`,
      [id, offset, maxBytes],
    )
    return rows
  }
}
