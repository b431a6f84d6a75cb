import { z } from 'zod'
import { ERRORS, type ErrorCode } from '../errors.ts'

/** Any code of the catalogue. */
export const errorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]])

/** The body of every error answer. */
export const errorBody = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    kind: z.enum(['rejected', 'unavailable', 'defect']),
    message: z.string(),
    fields: z.array(z.strictObject({ field: z.string(), message: z.string() })),
  }),
})
export type ErrorBody = z.infer<typeof errorBody>
