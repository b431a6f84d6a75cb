import type { FieldChange } from '@rollcall/contracts/admin'
import type { ResolvedService } from '../service.ts'
import type { Field } from './field.ts'
import { toFields } from './fields.ts'
import { toContentMark } from './wanted-services.ts'

/** Longer values are cut when they are shown. */
const MAX_TEXT_LENGTH = 500
const MAX_PATH_LENGTH = 1000

/** A change with its values, and whether these are for everybody. */
export type PlannedChange = FieldChange & { isPrivate: boolean }

/** Compares two states of a service field by field. Returns what differs, in the order of the file; nothing is changed in what is new or gone. */
export function diffServices(before: ResolvedService | null, after: ResolvedService | null): PlannedChange[] {
  if (before === null || after === null) return []
  const [old, wanted] = [byPath(toFields(before)), byPath(toFields(after))]
  const paths = [...new Set([...wanted.keys(), ...old.keys()])]
  return paths.flatMap((path) => {
    const [one, other] = [old.get(path), wanted.get(path)]
    if (one?.text === other?.text) return []
    const isSecret = one?.isSecret === true || other?.isSecret === true
    return [
      {
        path: path.slice(0, MAX_PATH_LENGTH),
        before: one && !isSecret ? cut(one.text) : null,
        after: other && !isSecret ? cut(other.text) : null,
        isHidden: isSecret,
        isPrivate: one?.isPrivate === true || other?.isPrivate === true,
      },
    ]
  })
}

/** Keys fields by their path; what several fields say in one place, such as a port on two addresses, is one text. */
function byPath(fields: readonly Field[]): Map<string, Field> {
  const all = new Map<string, Field>()
  for (const field of fields) {
    const before = all.get(field.path)
    all.set(field.path, before ? { ...before, text: `${before.text}, ${field.text}` } : field)
  }
  return all
}

/** Texts that differ only beyond the cut differ in their hash. */
const cut = (text: string) =>
  text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}… (${toContentMark(text)})` : text

/** Hides the values of variables from those who may not change services. */
export const toShownChanges = (changes: readonly PlannedChange[], mayChange: boolean): FieldChange[] =>
  changes.map(({ isPrivate, ...change }) =>
    isPrivate && !mayChange ? { ...change, before: null, after: null, isHidden: true } : change,
  )
