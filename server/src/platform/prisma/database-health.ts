import { Injectable } from '@nestjs/common'
import { Database } from './database.ts'

/** Reports the health of the database. */
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
