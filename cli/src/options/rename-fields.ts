import type { FieldError } from '@rollcall/contracts'
import { ApiError, InvalidRequestError } from '@rollcall/contracts/client'

/** Has what is wrong with a field of a request told in the terms of the command line, where a person can mend it. */
export async function renameFields<T>(
  terms: (wrong: FieldError) => FieldError,
  answer: Promise<T>,
): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const fields = error.fields.map(terms)
    if (error instanceof InvalidRequestError) throw new InvalidRequestError(fields, error)
    const { code, kind, status } = error
    throw new ApiError(error.message, { code, kind, status, fields, cause: error })
  }
}

/** `labels.env` as `--label env`. */
export const toLabelOption = (field: string) => field.replace(/^labels(\.|$)/, '--label ').trim()
