import { Injectable } from '@nestjs/common'
import { Database } from './database.ts'

/** The health of the database, without a statement of its own. */
@Injectable()
export class DatabaseHealth {
  constructor(private readonly database: Database) {}

  isUp(): Promise<boolean> {
    return this.database.isUp()
  }

  connections(): { open: number; idle: number; waiting: number } {
    return this.database.connections()
  }
}
