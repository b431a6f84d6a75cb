import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { Database } from '../platform/prisma/database.ts'
import type { Sql } from '../platform/prisma/transaction.ts'

/** One lock for all that changes services: what a decision has seen holds until it is stored. */
const LOCK_NAME = 'services'
/** How long a server that hangs in the middle of a change keeps others from making theirs. */
const MAX_IDLE_MS = 60_000
/** Changes that wait here for another one. */
const MAX_WAITING = 50

/** Keeps changes of services apart, on all servers. */
@Injectable()
export class ServicesLock {
  /** Ends with the change that is made last here. */
  private last: Promise<unknown> = Promise.resolve()
  private waiting = 0

  constructor(private readonly database: Database) {}

  /**
   * Runs `work` in a transaction that no other change of services is made beside, on whichever server. Throws `server.overloaded` where too
   * many wait here.
   */
  async alone<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) throw overloaded()
    this.waiting++
    // Those that wait hold no connection: the one whose turn it is needs some of its own.
    const done = this.last.then(() => this.locked(work)).finally(() => this.waiting--)
    this.last = done.catch(() => undefined)
    return done
  }

  private locked<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.database.transaction(async (sql) => {
      // A plan of many instances is made anew for longer than other transactions may be idle.
      await sql.execute(`SET LOCAL idle_in_transaction_session_timeout = ${MAX_IDLE_MS}`)
      await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [LOCK_NAME])
      return work(sql)
    })
  }
}

const overloaded = () =>
  new RollcallError(
    'server.overloaded',
    `This server has ${MAX_WAITING} changes of services to make at the moment. Ask for yours when they have ended.`,
  )
