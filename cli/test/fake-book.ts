import { randomUUID } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import type { SavedCommandView, ScheduleView } from '@rollcall/contracts/admin'
import type { Handlers } from './contract-server.ts'

/** Saved commands and schedules of the fake server. Time stands still there: the next time is always the same. */
export class FakeBook {
  private readonly savedByName = new Map<string, SavedCommandView>()
  private readonly schedulesByName = new Map<string, ScheduleView>()

  readonly handlers: Handlers = {
    listSavedCommands: () => ({ savedCommands: [...this.savedByName.values()] }),
    addSavedCommand: ({ body: { env, ...rest } }) => {
      const savedCommand = { target: null, limits: null, ...rest, envNames: Object.keys(env), ...origin() }
      this.savedByName.set(rest.name, savedCommand)
      return { savedCommand }
    },
    showSavedCommand: ({ params }) => ({ savedCommand: this.saved(params.name) }),
    changeSavedCommand: ({ params, body: { env, ...rest } }) => ({
      savedCommand: Object.assign(this.saved(params.name), rest, env && { envNames: Object.keys(env) }),
    }),
    removeSavedCommand: ({ params }) => {
      this.savedByName.delete(this.saved(params.name).name)
      return {}
    },
    listSchedules: () => ({ schedules: [...this.schedulesByName.values()] }),
    addSchedule: ({ body: { command, ...rest } }) => {
      const { env, ...program } = command ?? { env: {} }
      const schedule: ScheduleView = {
        savedCommand: null,
        target: null,
        limits: null,
        ...rest,
        ...origin(),
        last: [],
        command: command ? { ...(program as Omit<typeof command, 'env'>), envNames: Object.keys(env) } : null,
        next: rest.isEnabled ? ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'] : [],
      }
      this.schedulesByName.set(rest.name, schedule)
      return { schedule }
    },
    showSchedule: ({ params }) => ({ schedule: this.schedule(params.name) }),
    changeSchedule: ({ params, body }) => {
      const schedule = Object.assign(this.schedule(params.name), body)
      schedule.next = schedule.isEnabled ? ['2026-03-29T01:00:00.000Z'] : []
      return { schedule }
    },
    removeSchedule: ({ params }) => {
      this.schedulesByName.delete(this.schedule(params.name).name)
      return {}
    },
  }

  saved(name: string): SavedCommandView {
    const saved = this.savedByName.get(name)
    if (saved) return saved
    throw new RollcallError('saved_command.not_found', `There is no saved command named ${name}.`)
  }

  /** Puts what became of planned times into a schedule's history. */
  fired(name: string, ...last: ScheduleView['last']): void {
    this.schedule(name).last.unshift(...last)
  }

  private schedule(name: string): ScheduleView {
    const schedule = this.schedulesByName.get(name)
    if (schedule) return schedule
    throw new RollcallError('schedule.not_found', `There is no schedule named ${name}.`)
  }
}

const origin = () => {
  const now = new Date().toISOString()
  return { id: randomUUID(), createdBy: 'local', createdAt: now, updatedAt: now }
}
