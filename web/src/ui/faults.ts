import { ApiError } from '../api/client.ts'

/** Form fields by the request's fields, where they are named otherwise. */
export type FieldNames = Readonly<Record<string, string>>

interface Faults {
  /** By field of the form. */
  fields: Record<string, string>
  /** The faults that no field of the form shows; undefined where there are none. */
  rest: unknown
}

/** Splits what is wrong with a request into what the fields of a form show, and the rest. */
export function toFaults(error: unknown, values: object, names: FieldNames = {}): Faults {
  const faults = error instanceof ApiError ? error.messages : {}
  if (Object.keys(faults).length === 0) return { fields: {}, rest: error }
  const homeless = Object.entries(faults).filter(([field]) => toFormField(field, values, names) === undefined)
  return {
    fields: toFormFaults(faults, values, names),
    rest:
      homeless.length === 0
        ? undefined
        : new Error(homeless.map(([field, why]) => `${field} ${why}`).join('; ')),
  }
}

/** Returns faults of a request by the fields of a form, without those that have no field there. */
export function toFormFaults(
  faults: Readonly<Record<string, string>>,
  values: object,
  names: FieldNames = {},
): Record<string, string> {
  const placed = Object.entries(faults).flatMap(([field, why]) => {
    const place = toFormField(field, values, names)
    return place === undefined ? [] : [[place, why] as const]
  })
  return Object.fromEntries(placed)
}

/** A fault of an entry, as of `labels.0` or `labels.env`, belongs to the whole field. */
function toFormField(field: string, values: object, names: FieldNames): string | undefined {
  for (const name of [field, field.replace(/\.\d+$/, ''), field.split('.')[0] ?? '']) {
    if (Object.hasOwn(names, name)) return names[name]
    if (Object.hasOwn(values, name)) return name
  }
  return undefined
}
