import { Injectable } from '@nestjs/common'
import { Database } from './database.ts'

/** What may be asked of the database without a statement. */
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
