import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { shortName } from '../saved-commands/schemas.ts'
import { changedSchedule, newSchedule, scheduleView } from './schemas.ts'

const nameParam = z.strictObject({ name: shortName })

/** Schedules, which start runs by the clock. */
export const SCHEDULES_ROUTES = {
  listSchedules: defineRoute('GET', '/api/schedules', {
    summary: 'Lists schedules by name, with their next times and recent outcomes.',
    access: 'schedules:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ schedules: z.array(scheduleView) }),
  }),
  addSchedule: defineRoute('POST', '/api/schedules', {
    summary: 'Adds a schedule in a time zone.',
    access: 'schedules:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    body: newSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  showSchedule: defineRoute('GET', '/api/schedules/:name', {
    summary: 'Returns a schedule.',
    access: 'schedules:read',
    scope: 'filtered',
    audit: 'refusals',
    params: nameParam,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  changeSchedule: defineRoute('PATCH', '/api/schedules/:name', {
    summary: 'Changes, pauses or resumes a schedule.',
    access: 'schedules:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: nameParam,
    body: changedSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  removeSchedule: defineRoute('DELETE', '/api/schedules/:name', {
    summary: 'Removes a schedule. Its runs are kept.',
    access: 'schedules:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: nameParam,
    response: z.strictObject({}),
  }),
} as const
