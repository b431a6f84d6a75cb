import { z } from 'zod'

/** What every error answer looks like. */
export const errorBody = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    kind: z.enum(['rejected', 'unavailable', 'defect']),
    message: z.string(),
    fields: z.array(z.strictObject({ field: z.string(), message: z.string() })),
  }),
})
export type ErrorBody = z.infer<typeof errorBody>
