import { z } from 'zod'
import { neverAnId, plainText, uuid } from '../../text.ts'
import { programShape, programView } from '../runs/schemas.ts'
import { runLimits, target } from '../targets.ts'

/** The name of a saved command or a schedule. */
export const shortName = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/,
    'must be letters, digits, dots, dashes and underscores, with a letter or digit first and last',
  )
export const description = plainText(500)

export const newSavedCommand = z.strictObject({
  name: neverAnId(shortName),
  description: description.default(''),
  ...programShape,
  /** Its own hosts. */
  target: target.optional(),
  limits: runLimits.optional(),
})
export type NewSavedCommand = z.infer<typeof newSavedCommand>
export type NewSavedCommandInput = z.input<typeof newSavedCommand>

/** Fields that are left out stay. `env` replaces the whole environment. */
export const changedSavedCommand = z.strictObject({
  description: description.optional(),
  program: programShape.program.optional(),
  args: programShape.args.unwrap().optional(),
  env: programShape.env.unwrap().optional(),
  cwd: programShape.cwd.unwrap().optional(),
  timeoutMs: programShape.timeoutMs.unwrap().optional(),
  startWithinMs: programShape.startWithinMs.unwrap().optional(),
  /** Null takes it away. */
  target: target.nullable().optional(),
  limits: runLimits.nullable().optional(),
})
export type ChangedSavedCommand = z.infer<typeof changedSavedCommand>

export const savedCommandView = z.strictObject({
  id: uuid,
  name: z.string(),
  description: z.string(),
  ...programView.shape,
  target: target.nullable(),
  limits: runLimits.nullable(),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})
export type SavedCommandView = z.infer<typeof savedCommandView>

export const savedRun = z.strictObject({
  /** As for any run. */
  runId: uuid.optional(),
  /** Instead of the saved command's own. */
  target: target.optional(),
  limits: runLimits.optional(),
})
export type SavedRun = z.infer<typeof savedRun>
