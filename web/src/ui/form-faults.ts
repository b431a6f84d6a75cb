import { ApiError } from '../api/client.ts'

/** A failed attempt, and what stood in the form then. */
export interface Failure<V extends object> {
  error: unknown
  values: V
}

/** Where a fault of a field of the request is shown: the value of the form that it is about. */
export type Places = Readonly<Record<string, string>>

/** The name under which a fault is shown: of an entry, as of `labels.0` or `labels.env`, that of the whole. */
const shownAs = (field: string, places: Places): string | undefined =>
  [field, field.replace(/\.\d+$/, ''), field.split('.')[0] ?? ''].find((name) => Object.hasOwn(places, name))

const placeOf = (field: string, places: Places): string | undefined => places[shownAs(field, places) ?? '']

/** What the server, or the page itself, said is wrong with which field. */
const toFields = (error: unknown): Record<string, string> => (error instanceof ApiError ? error.messages : {})

/** The faults to be shown beside their fields: each until the value that it is about has been changed. */
export function faultsOf<V extends object>(
  failure: Failure<V> | undefined,
  now: V,
  places: Places,
): Record<string, string> {
  const shown = Object.entries(toFields(failure?.error)).filter(([field]) => {
    const place = placeOf(field, places)
    return place !== undefined && Object.is(failure?.values[place as keyof V], now[place as keyof V])
  })
  return Object.fromEntries(shown.map(([field, why]) => [shownAs(field, places) ?? field, why]))
}

/** What is to be told below the form: what no field shows, as long as nothing was changed since. */
export function toError<V extends object>(failure: Failure<V> | undefined, now: V, places: Places): unknown {
  if (!failure) return undefined
  const { error, values } = failure
  const isUnchanged = [...new Set([...Object.keys(values), ...Object.keys(now)])].every((key) =>
    Object.is(values[key as keyof V], now[key as keyof V]),
  )
  const homeless = Object.entries(toFields(error)).filter(([field]) => placeOf(field, places) === undefined)
  if (Object.keys(toFields(error)).length === 0) return isUnchanged ? error : undefined
  if (homeless.length === 0) return undefined
  if (!isUnchanged) return undefined
  return new Error(homeless.map(([field, why]) => `${field} ${why}`).join('; '))
}
