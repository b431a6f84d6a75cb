import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { ChangedSavedCommand, NewSavedCommand, SavedRun } from '@rollcall/contracts/admin'
import {
  AccessService,
  type Bound,
  type HostScope,
  type Principal,
  requireRunner,
  toRef,
  WHOLE_FLEET,
} from '../access/index.ts'
import { hashOf } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { isUniqueViolation } from '../platform/prisma/database-errors.ts'
import { type AcceptedRun, RunsService, TargetReach } from '../runs/index.ts'
import { refuseRedirectedSecrets } from './domain/redirected.ts'
import { hasSecrets, type SavedCommand, toSpec } from './domain/saved-command.ts'
import { SavedCommandsRepository } from './saved-commands.repository.ts'

@Injectable()
export class SavedCommandsService {
  constructor(
    private readonly saved: SavedCommandsRepository,
    private readonly runs: RunsService,
    private readonly reach: TargetReach,
    private readonly access: AccessService,
    private readonly clock: Clock,
  ) {}

  listAll(): Promise<SavedCommand[]> {
    return this.saved.list()
  }

  /** Lists the saved commands within `scope`. */
  async list(scope: HostScope): Promise<SavedCommand[]> {
    const visible = await this.reach.visible(await this.saved.list(), scope, ({ target }) => target)
    // Without a target it can send its secret values to any host, so only whole-fleet users see it.
    return visible.filter((each) => scope === null || each.target !== null || !hasSecrets(each))
  }

  /** Returns a saved command. Throws `saved_command.not_found`, also if it is outside `scope`. */
  async show(name: string, scope: HostScope): Promise<SavedCommand> {
    const saved = await this.saved.find({ name })
    if (!saved) throw notFound(name)
    const [visible] = await this.reach.visible([saved], scope, ({ target }) => target)
    if (!visible || (scope !== null && saved.target === null && hasSecrets(saved))) throw notFound(name)
    return saved
  }

  async findById(id: string): Promise<SavedCommand | null> {
    return this.saved.find({ id })
  }

  async add(request: NewSavedCommand, maker: Principal): Promise<SavedCommand> {
    const now = this.clock.now()
    const { target = null, limits = null, ...rest } = request
    const saved: SavedCommand = {
      ...rest,
      target,
      limits,
      id: randomUUID(),
      createdAt: now,
      updatedAt: now,
      createdBy: maker.name,
      owner: toRef(maker),
    }
    try {
      await this.saved.insert(saved)
    } catch (error) {
      if (!isUniqueViolation(error, 'name')) throw error
      throw new RollcallError(
        'saved_command.name_taken',
        `A saved command named ${request.name} already exists. Choose another name, or change it: rollcall saved change ${request.name}`,
        { fields: [{ field: 'name', message: `"${request.name}" is taken` }], cause: error },
      )
    }
    return saved
  }

  /**
   * Changes a saved command and makes the actor its owner. Throws `saved_command.sealed` if secret values would go
   * elsewhere.
   */
  async change(name: string, change: ChangedSavedCommand, actor: Principal): Promise<SavedCommand> {
    const before = await this.show(name, actor.scope)
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    const saved: SavedCommand = { ...before, ...given, owner: toRef(actor), updatedAt: this.clock.now() }
    if (change.env === undefined) refuseRedirectedSecrets(before, saved)
    if (!(await this.saved.update(saved))) throw notFound(name)
    return saved
  }

  async remove(name: string): Promise<void> {
    const { id } = await this.show(name, WHOLE_FLEET)
    const users = await this.saved.listScheduleNames(id)
    if (users.length > 0) throw inUseBySchedules(name, users)
    try {
      await this.saved.delete(id)
    } catch (error) {
      // A schedule may have started to use it since the check.
      const since = await this.saved.listScheduleNames(id)
      throw since.length > 0 ? inUseBySchedules(name, since) : error
    }
  }

  /**
   * Runs its current version. A repeated request with the same id returns the first run, even if the command has
   * changed.
   */
  async run(name: string, request: SavedRun, actor: Principal): Promise<AcceptedRun> {
    const runId = request.runId ?? randomUUID()
    return this.runs.accept(runId, hashOf({ ...request, runId, savedCommand: name }), actor, async () => {
      const saved = await this.show(name, actor.scope)
      const target = request.target ?? saved.target
      if (!target)
        throw new RollcallError(
          'request.invalid',
          `The saved command ${name} has no target. Set a target: hosts, labels or all.`,
          { fields: [{ field: 'target', message: 'is required: hosts, labels or all' }] },
        )
      if (request.target && saved.target && hasSecrets(saved))
        await this.reach.refuseElsewhere(request.target, saved.target, actor.scope)
      const narrowed = await this.reach.narrow(target, actor.scope, [await this.findOwner(saved)])
      return {
        requestedBy: actor.name,
        requester: toRef(actor),
        ...narrowed,
        spec: toSpec(saved),
        savedCommand: name,
        limits: request.limits ?? saved.limits,
      }
    })
  }

  /** Returns the rights that bound its runs. Throws `access.owner_lost`. */
  async findOwner({ name, owner }: SavedCommand): Promise<Bound> {
    return requireRunner(`The saved command ${name}`, owner ? await this.access.findByRef(owner) : undefined)
  }
}

const notFound = (name: string) =>
  new RollcallError(
    'saved_command.not_found',
    `There is no saved command named ${name}. List the saved commands: rollcall saved list`,
  )

const inUseBySchedules = (name: string, schedules: readonly string[]) =>
  new RollcallError(
    'saved_command.in_use',
    `The saved command ${name} is used by these schedules: ${schedules.join(', ')}. Remove them first: rollcall schedule remove NAME`,
  )
