import { randomBytes, randomUUID } from 'node:crypto'
import { Sealer } from '../../platform/crypto/sealer.ts'
import { ServerLeaseRepository } from '../../platform/leases/server-lease.repository.ts'
import { TestDatabase } from '../../platform/testing/test-database.ts'
import { RunsRepository } from '../../runs/index.ts'
import { CommandLeasesRepository } from '../command-leases.repository.ts'
import { CommandLifecycleRepository } from '../command-lifecycle.repository.ts'
import { CommandsRepository } from '../commands.repository.ts'
import { type Command, newCommand, WITHOUT_TERMINAL } from '../domain/command.ts'
import { joinChunks } from '../output/domain/output.ts'
import { OutputRepository } from '../output/output.repository.ts'

const SPEC = {
  program: 'true',
  args: ['a', 'b c'],
  env: { SECRET: 'hush hush' },
  cwd: '/',
  timeoutMs: 60_000,
  startWithinMs: 60_000,
  ...WITHOUT_TERMINAL,
}

/** A real database with the repositories of commands, for one server. */
export class StoredCommands {
  readonly commands: CommandsRepository
  readonly leases: CommandLeasesRepository
  readonly lifecycle: CommandLifecycleRepository
  readonly outputs: OutputRepository
  readonly runs: RunsRepository

  private constructor(readonly test: TestDatabase) {
    this.commands = new CommandsRepository(test.database, new Sealer(randomBytes(32)))
    this.leases = new CommandLeasesRepository(test.database, this.commands)
    this.lifecycle = new CommandLifecycleRepository(test.database)
    this.outputs = new OutputRepository(test.database)
    this.runs = new RunsRepository(test.database, this.commands, this.lifecycle)
  }

  static async open(): Promise<StoredCommands> {
    return new StoredCommands(await TestDatabase.open())
  }

  close(): Promise<void> {
    return this.test.close()
  }

  /** Stores a command as one of a run of its own. */
  async add(change: Partial<Command> = {}): Promise<Command> {
    const createdAt = change.createdAt ?? new Date()
    const run = { runId: randomUUID(), requestedBy: 'spec', createdAt }
    const host = { id: change.hostId ?? randomUUID(), name: 'h' }
    const turn = { position: null, admittedAt: createdAt }
    const command = { ...newCommand(change.kind ?? 'command', host, SPEC, run, turn), ...change }
    await this.runs.insert({
      id: run.runId,
      bodyHash: 'x',
      requestedBy: 'spec',
      createdAt,
      kind: command.kind,
      commands: [command],
    })
    return command
  }

  /** Stores a command and leases it to `owner`, which lives. */
  async addLeased(owner: string, change: Partial<Command> = {}): Promise<Command> {
    const command = await this.add(change)
    await new ServerLeaseRepository(this.test.database).renew(owner)
    await this.leases.acquire(command.id, owner, new Date())
    return command
  }

  /** Lets a lease expire, as if the server that holds it had died long ago. */
  async expireLease(id: string): Promise<void> {
    await this.test.database.pool.query(
      `UPDATE server_lease SET lease_until = now() - interval '1 second'
       WHERE lease_owner = (SELECT lease_owner FROM command WHERE id = $1)`,
      [id],
    )
  }
}

export const pieceOf = (stdout: string, stderr = '') =>
  joinChunks([
    { stream: 'stdout', data: Buffer.from(stdout) },
    { stream: 'stderr', data: Buffer.from(stderr) },
  ])
