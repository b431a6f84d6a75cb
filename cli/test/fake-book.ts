import { randomUUID } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import type { SavedCommandView, ScheduleView } from '@rollcall/contracts/admin'

/** Saved commands and schedules of the fake server. Time stands still there: the next time is always the same. */
export class FakeBook {
  private readonly savedByName = new Map<string, SavedCommandView>()
  private readonly schedulesByName = new Map<string, ScheduleView>()

  saved(name: string): SavedCommandView {
    const saved = this.savedByName.get(name)
    if (saved) return saved
    throw new RollcallError('saved_command.not_found', `There is no saved command called ${name}.`)
  }

  // biome-ignore lint/suspicious/noExplicitAny: parsed by the contract before
  savedCommands(route: string, name: string, body: any): unknown {
    if (route === 'listSavedCommands') return { savedCommands: [...this.savedByName.values()] }
    if (route === 'addSavedCommand') {
      const { env, ...rest } = body
      const view = { target: null, limits: null, ...rest, envNames: Object.keys(env), ...origin() }
      this.savedByName.set(body.name, view)
      return { savedCommand: view }
    }
    const savedCommand = this.saved(name)
    if (route === 'changeSavedCommand') {
      const { env, ...rest } = body
      Object.assign(savedCommand, rest, env && { envNames: Object.keys(env) })
    }
    if (route === 'removeSavedCommand') return this.savedByName.delete(name) && {}
    return { savedCommand }
  }

  // biome-ignore lint/suspicious/noExplicitAny: parsed by the contract before
  schedules(route: string, name: string, body: any): unknown {
    if (route === 'listSchedules') return { schedules: [...this.schedulesByName.values()] }
    if (route === 'addSchedule') {
      const { env, ...command } = body.command ?? {}
      const view: ScheduleView = {
        savedCommand: null,
        target: null,
        limits: null,
        ...body,
        ...origin(),
        last: [],
        command: body.command ? { ...command, envNames: Object.keys(env) } : null,
        next: body.isEnabled ? ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'] : [],
      }
      this.schedulesByName.set(body.name, view)
      return { schedule: view }
    }
    const schedule = this.schedulesByName.get(name)
    if (!schedule) throw new RollcallError('schedule.not_found', `There is no schedule called ${name}.`)
    if (route === 'changeSchedule') {
      Object.assign(schedule, body)
      schedule.next = schedule.isEnabled ? ['2026-03-29T01:00:00.000Z'] : []
    }
    if (route === 'removeSchedule') return this.schedulesByName.delete(name) && {}
    return { schedule }
  }

  /** As if the schedule had fired. */
  fired(name: string, ...last: ScheduleView['last']): void {
    this.schedulesByName.get(name)?.last.unshift(...last)
  }
}

const origin = () => {
  const now = new Date().toISOString()
  return { id: randomUUID(), createdBy: 'local', createdAt: now, updatedAt: now }
}
