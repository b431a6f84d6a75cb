import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { ChangedSavedCommand, NewSavedCommand, SavedRun } from '@rollcall/contracts/admin'
import { type Principal, refOf } from '../access/index.ts'
import { hashOf } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import { type AcceptedRun, RunsService } from '../runs/index.ts'
import { type SavedCommand, specOf } from './saved-command.ts'
import { SavedCommandsRepository } from './saved-commands.repository.ts'

@Injectable()
export class SavedCommandsService {
  constructor(
    private readonly saved: SavedCommandsRepository,
    private readonly runs: RunsService,
    private readonly clock: Clock,
  ) {}

  list(): Promise<SavedCommand[]> {
    return this.saved.list()
  }

  /** Throws `saved_command.not_found`. */
  async show(name: string): Promise<SavedCommand> {
    const saved = await this.saved.find(name)
    if (saved) return saved
    throw notFound(name)
  }

  async findById(id: string): Promise<SavedCommand | null> {
    return this.saved.findById(id)
  }

  async add(request: NewSavedCommand, createdBy: string): Promise<SavedCommand> {
    const now = this.clock.now()
    const { target = null, limits = null, ...rest } = request
    const saved = { ...rest, target, limits, id: randomUUID(), createdBy, createdAt: now, updatedAt: now }
    try {
      await this.saved.insert(saved)
    } catch (error) {
      if (!isUniqueViolation(error, 'name')) throw error
      throw new RollcallError(
        'saved_command.name_taken',
        `There is a saved command called ${request.name} already. Choose another name, or change that one: rollcall saved change ${request.name}`,
        { fields: [{ field: 'name', message: `"${request.name}" is taken` }], cause: error },
      )
    }
    return saved
  }

  async change(name: string, change: ChangedSavedCommand): Promise<SavedCommand> {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    const saved: SavedCommand = { ...(await this.show(name)), ...given, updatedAt: this.clock.now() }
    if (!(await this.saved.update(saved))) throw notFound(name)
    return saved
  }

  async remove(name: string): Promise<void> {
    const { id } = await this.show(name)
    const users = await this.saved.schedulesOf(id)
    if (users.length > 0) throw inUse(name, users)
    try {
      await this.saved.delete(id)
    } catch (error) {
      // A schedule began to run it a moment ago.
      const since = await this.saved.schedulesOf(id)
      throw since.length > 0 ? inUse(name, since) : error
    }
  }

  /** Runs it as it is now. Sent again with the same id, it finds the first run, however the command was changed since. */
  async run(name: string, request: SavedRun, actor: Principal): Promise<AcceptedRun> {
    const runId = request.runId ?? randomUUID()
    return this.runs.accept(runId, hashOf({ ...request, runId, savedCommand: name }), actor, async () => {
      const saved = await this.show(name)
      const target = request.target ?? saved.target
      if (!target)
        throw new RollcallError(
          'request.invalid',
          `The saved command ${name} does not say where to run. Give a target: hosts, labels or all.`,
          { fields: [{ field: 'target', message: 'is missing: say where to run, by hosts, labels or all' }] },
        )
      return {
        ...{ requestedBy: actor.name, requester: refOf(actor), scope: actor.scope, target },
        ...{ spec: specOf(saved), savedCommand: name },
        limits: request.limits ?? saved.limits,
      }
    })
  }
}

const notFound = (name: string) =>
  new RollcallError(
    'saved_command.not_found',
    `There is no saved command called ${name}. "rollcall saved list" shows those there are.`,
  )

const inUse = (name: string, schedules: readonly string[]) =>
  new RollcallError(
    'saved_command.in_use',
    `The saved command ${name} is run by the schedules: ${schedules.join(', ')}. Remove those first: rollcall schedule remove NAME`,
  )
