import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { shortName } from '../saved-commands/schemas.ts'
import { changedSchedule, newSchedule, scheduleView } from './schemas.ts'

const nameParam = z.strictObject({ name: shortName })

/** Schedules, which start runs by the clock. */
export const SCHEDULES_ROUTES = {
  listSchedules: defineRoute({
    method: 'GET',
    path: '/api/schedules',
    summary: 'All schedules, by name, with what comes next and what became of the last ones.',
    access: 'schedules:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ schedules: z.array(scheduleView) }),
  }),
  addSchedule: defineRoute({
    method: 'POST',
    path: '/api/schedules',
    summary: 'Runs something by the clock of a time zone from now on.',
    access: 'schedules:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    body: newSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  showSchedule: defineRoute({
    method: 'GET',
    path: '/api/schedules/:name',
    summary: 'One schedule.',
    access: 'schedules:read',
    scope: 'filtered',
    audit: 'refusals',
    params: nameParam,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  changeSchedule: defineRoute({
    method: 'PATCH',
    path: '/api/schedules/:name',
    summary: 'Changes, pauses or resumes a schedule.',
    access: 'schedules:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: nameParam,
    body: changedSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  removeSchedule: defineRoute({
    method: 'DELETE',
    path: '/api/schedules/:name',
    summary: 'Forgets a schedule. Its runs stay.',
    access: 'schedules:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: nameParam,
    response: z.strictObject({}),
  }),
} as const
