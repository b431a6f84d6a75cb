import type { FieldError } from '@rollcall/contracts'
import { ApiError, CliError, UsageError } from '../errors.ts'

/** Has what is wrong with a field of a request told in the terms of the command line, where a person can mend it. */
export async function inTermsOf<T>(terms: (wrong: FieldError) => FieldError, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof CliError) || error.fields.length === 0) throw error
    const details = { fields: error.fields.map(terms), cause: error, code: error.code ?? 'request.invalid' }
    if (error instanceof ApiError) throw new ApiError(error.message, error.kind, details)
    throw new UsageError(error.message, details)
  }
}

/** `labels.env` as `--label env`. */
export const labelTerm = (field: string) => field.replace(/^labels(\.|$)/, '--label ').trim()
