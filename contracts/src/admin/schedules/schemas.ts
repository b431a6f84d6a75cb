import { z } from 'zod'
import { neverAnId, plainText, uuid } from '../../text.ts'
import { programShape, programView } from '../runs/schemas.ts'
import { description, shortName } from '../saved-commands/schemas.ts'
import { defineStates, type StateDescriptor } from '../states.ts'
import { runLimits, target } from '../targets.ts'

function isTimeZone(text: string): boolean {
  // Offsets such as +02:00 know no summer time, so they are not taken for a time zone.
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}

const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, {
    error: ({ input }) => `must be a time zone such as Europe/Berlin or UTC, not "${input}"`,
  })

/** Five fields: minute, hour, day of the month, month, day of the week. The server says what is wrong with one. */
const cron = z.string().min(1).max(200)

/**
 * The rule for a time at which the previous run has not ended: `skip` leaves this one out and says so in the history, `allow` runs it
 * beside the other.
 */
const overlap = z.enum(['skip', 'allow'])

/** Milliseconds by which a run may be late, because no server ran or the database was away; later, it is left out. */
const graceMs = z.int().min(10_000).max(86_400_000)

const what = {
  /** The name of a saved command, or else the command itself. */
  savedCommand: shortName.optional(),
  command: z.strictObject(programShape).optional(),
  /** Needed with `command`; a saved command may bring its own. */
  target: target.optional(),
}

export const newSchedule = z
  .strictObject({
    name: neverAnId(shortName),
    description: description.default(''),
    cron,
    timeZone: timeZone.default('UTC'),
    ...what,
    limits: runLimits.optional(),
    overlap: overlap.default('skip'),
    graceMs: graceMs.default(300_000),
    isEnabled: z.boolean().default(true),
  })
  .superRefine(({ savedCommand, command, target }, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (savedCommand === undefined && command === undefined)
      issue(
        'savedCommand',
        'is missing: say what to run, by savedCommand (a name) or command (program, args, …)',
      )
    if (savedCommand !== undefined && command !== undefined)
      issue('command', 'must not be given together with savedCommand')
    if (command !== undefined && target === undefined)
      issue('target', 'is missing: say where to run, by hosts, labels or all')
  })
export type NewSchedule = z.infer<typeof newSchedule>
export type NewScheduleInput = z.input<typeof newSchedule>

/** Fields that are left out stay. `savedCommand` and `command` replace each other. */
export const changedSchedule = z
  .strictObject({
    description: description.optional(),
    cron: cron.optional(),
    timeZone: timeZone.optional(),
    ...what,
    target: target.nullable().optional(),
    limits: runLimits.nullable().optional(),
    overlap: overlap.optional(),
    graceMs: graceMs.optional(),
    /** False pauses it. When resumed it continues with the next planned time; missed times are not made up. */
    isEnabled: z.boolean().optional(),
  })
  .superRefine(({ savedCommand, command }, context) => {
    if (savedCommand !== undefined && command !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['command'],
        message: 'must not be given together with savedCommand',
      })
  })
export type ChangedSchedule = z.infer<typeof changedSchedule>

/**
 * The outcome of a planned time.
 * - `started`: its run was accepted. `refused`: it could not be, for example because no host fits.
 * - `overlapped`: the previous run had not ended. `missed`: no run could be started in time.
 */
export const FIRING_OUTCOME = defineStates<StateDescriptor>()({
  started: { tone: 'ok', sign: '✓', urgency: 3 },
  refused: { tone: 'warn', sign: '✕', urgency: 0, isFailure: true },
  overlapped: { tone: 'faint', sign: '–', urgency: 2 },
  missed: { tone: 'warn', sign: '○', urgency: 1, isFailure: true },
})
export const firingOutcome = FIRING_OUTCOME.schema
export type FiringOutcome = z.infer<typeof firingOutcome>

export const scheduleFiring = z.strictObject({
  plannedAt: z.iso.datetime(),
  decidedAt: z.iso.datetime(),
  outcome: firingOutcome,
  reason: plainText(4000).nullable(),
  runId: uuid.nullable(),
  /** The state of the run: `success` if it succeeded on all hosts, otherwise `failed`. Null without a run. */
  runState: z.enum(['running', 'success', 'failed']).nullable(),
})
export type ScheduleFiring = z.infer<typeof scheduleFiring>

export const scheduleView = z.strictObject({
  id: uuid,
  name: z.string(),
  description: z.string(),
  cron: z.string(),
  timeZone: z.string(),
  savedCommand: z.string().nullable(),
  command: programView.nullable(),
  target: target.nullable(),
  limits: runLimits.nullable(),
  overlap,
  graceMs: z.int(),
  isEnabled: z.boolean(),
  /** The next five planned times; none while it is paused. */
  next: z.array(z.iso.datetime()),
  /** The last planned times, newest first, at most ten. */
  last: z.array(scheduleFiring),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})
export type ScheduleView = z.infer<typeof scheduleView>
