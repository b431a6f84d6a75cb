import type { FieldError } from '@rollcall/contracts'
import { ApiError, InvalidRequestError } from '@rollcall/contracts/client'

/** Renames the wrong fields of a refused request to the options they come from. Throws what `answer` rejects with. */
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

/** Formats the name of an option: `dryRun` as `--dry-run`. */
export const toOption = (name: string) =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** Formats `labels.env` as `--label env`. */
export const toLabelOption = (field: string) => field.replace(/^labels(\.|$)/, '--label ').trim()
