type CamelName<Name> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<CamelName<Rest>>}`
  : Name

/** A value of the agent's wire with the names of the API, at every depth. */
export type CamelCase<T> = T extends readonly unknown[]
  ? { [I in keyof T]: CamelCase<T[I]> }
  : T extends object
    ? { [Name in keyof T as CamelName<Name>]: CamelCase<T[Name]> }
    : T

/** Names that were converted once; as many as the contract has. */
const names = new Map<string, string>()

function toName(name: string): string {
  let converted = names.get(name)
  if (converted === undefined) {
    converted = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
    names.set(name, converted)
  }
  return converted
}

/**
 * Converts names at every depth from those of the agent's wire to those of the API, such as `boot_id` to `bootId`. The value was
 * parsed by the contract, which declares every name.
 */
export function toCamelCase<T>(value: T): CamelCase<T> {
  if (Array.isArray(value)) return value.map(toCamelCase) as CamelCase<T>
  if (typeof value !== 'object' || value === null) return value as CamelCase<T>
  const converted: Record<string, unknown> = {}
  for (const name in value) converted[toName(name)] = toCamelCase(value[name])
  return converted as CamelCase<T>
}

/** Keeps the fields that a schema declares. */
export function pickDeclared<T extends object, S extends object>(
  value: T,
  shape: S,
): Pick<T, keyof T & keyof S> {
  const kept = {} as T
  for (const name in value) if (Object.hasOwn(shape, name)) kept[name] = value[name]
  return kept
}
