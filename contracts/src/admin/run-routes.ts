import { z } from 'zod'
import { uuid } from '../text.ts'
import { defineRoute } from './route.ts'
import { newRun, runAccepted, runQuery, runSummary, runView } from './runs.ts'
import {
  changedSavedCommand,
  newSavedCommand,
  savedCommandView,
  savedRun,
  shortName,
} from './saved-commands.ts'
import { changedSchedule, newSchedule, scheduleView } from './schedules.ts'

const runParam = z.strictObject({ id: uuid })
const nameParam = z.strictObject({ name: shortName })

/** Runs, and what begins them again and again. */
export const RUN_ROUTES = {
  run: defineRoute({
    access: 'commands:run',
    method: 'POST',
    path: '/api/runs',
    summary:
      'Runs a program on hosts. Once this has answered, the commands survive anything but the loss of the database.',
    status: 202,
    body: newRun,
    response: runAccepted,
  }),
  listRuns: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/runs',
    summary: 'Runs of programs and playbooks, newest first.',
    query: runQuery,
    response: z.strictObject({ runs: z.array(runView) }),
  }),
  showRun: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/runs/:id',
    summary: 'One run, with how many of its hosts are in which state. Follow it live on /ws.',
    params: runParam,
    response: z.strictObject({ run: runView }),
  }),
  summarizeRun: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/runs/:id/summary',
    summary: 'The hosts of a run, grouped by equal outcome and output, the largest group first.',
    params: runParam,
    response: runSummary,
  }),
  cancelRun: defineRoute({
    access: 'commands:run',
    method: 'POST',
    path: '/api/runs/:id/cancel',
    summary: 'Asks every command of a run to end. Those that have ended stay as they are.',
    status: 202,
    params: runParam,
    response: z.strictObject({ run: runView }),
  }),
  listSavedCommands: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/saved-commands',
    summary: 'All saved commands, by name.',
    response: z.strictObject({ savedCommands: z.array(savedCommandView) }),
  }),
  addSavedCommand: defineRoute({
    access: 'commands:run',
    isWholeFleet: true,
    method: 'POST',
    path: '/api/saved-commands',
    summary: 'Saves a command under a name.',
    status: 201,
    body: newSavedCommand,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  showSavedCommand: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/saved-commands/:name',
    summary: 'One saved command.',
    params: nameParam,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  changeSavedCommand: defineRoute({
    access: 'commands:run',
    isWholeFleet: true,
    method: 'PATCH',
    path: '/api/saved-commands/:name',
    summary: 'Changes a saved command. Runs that were asked for before stay as they are.',
    params: nameParam,
    body: changedSavedCommand,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  removeSavedCommand: defineRoute({
    access: 'commands:run',
    isWholeFleet: true,
    method: 'DELETE',
    path: '/api/saved-commands/:name',
    summary: 'Forgets a saved command. Refused while a schedule runs it.',
    params: nameParam,
    response: z.strictObject({}),
  }),
  runSavedCommand: defineRoute({
    access: 'commands:run',
    method: 'POST',
    path: '/api/saved-commands/:name/run',
    summary: 'Runs a saved command, where it says or elsewhere.',
    status: 202,
    params: nameParam,
    body: savedRun,
    response: runAccepted,
  }),

  listSchedules: defineRoute({
    access: 'schedules:read',
    method: 'GET',
    path: '/api/schedules',
    summary: 'All schedules, by name, with what comes next and what became of the last ones.',
    response: z.strictObject({ schedules: z.array(scheduleView) }),
  }),
  addSchedule: defineRoute({
    access: 'schedules:write',
    isWholeFleet: true,
    method: 'POST',
    path: '/api/schedules',
    summary: 'Runs something by the clock of a time zone from now on.',
    status: 201,
    body: newSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  showSchedule: defineRoute({
    access: 'schedules:read',
    method: 'GET',
    path: '/api/schedules/:name',
    summary: 'One schedule.',
    params: nameParam,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  changeSchedule: defineRoute({
    access: 'schedules:write',
    isWholeFleet: true,
    method: 'PATCH',
    path: '/api/schedules/:name',
    summary: 'Changes, pauses or resumes a schedule.',
    params: nameParam,
    body: changedSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  removeSchedule: defineRoute({
    access: 'schedules:write',
    isWholeFleet: true,
    method: 'DELETE',
    path: '/api/schedules/:name',
    summary: 'Forgets a schedule. Its runs stay.',
    params: nameParam,
    response: z.strictObject({}),
  }),
} as const
