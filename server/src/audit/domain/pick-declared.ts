import type { z } from 'zod'

/** The parts of a zod schema that describe its fields, from `_zod.def`. */
interface Definition {
  type: string
  shape?: Record<string, z.ZodType>
  element?: z.ZodType
  valueType?: z.ZodType
  options?: z.ZodType[]
  innerType?: z.ZodType
  in?: z.ZodType
  out?: z.ZodType
  getter?: () => z.ZodType
  values?: unknown[]
}

const MAX_DEPTH = 12
const toDefinition = (schema: z.ZodType) => schema._zod.def as unknown as Definition
const isPrimitive = (value: unknown) => value === null || typeof value !== 'object'
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Picks what a schema declares from a value, valid or not; undeclared fields and misplaced objects are omitted. Returns
 * undefined if nothing is left. Pure.
 */
export function pickDeclared(schema: z.ZodType, value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return undefined
  const { type, shape, element, valueType, options, innerType, in: input, out, getter } = toDefinition(schema)
  const next = (inner: z.ZodType, each: unknown) => pickDeclared(inner, each, depth + 1)
  if (innerType) return isPrimitive(value) ? value : next(innerType, value)
  if (getter) return next(getter(), value)
  if (input && out) return next(toDefinition(input).type === 'transform' ? out : input, value)
  if (options) return pickFromUnion(options, value, depth)
  if (shape) return isRecord(value) ? pickFromObject(shape, value, depth) : undefined
  if (element) return Array.isArray(value) ? value.map((each) => next(element, each)) : undefined
  if (valueType)
    return isRecord(value)
      ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, next(valueType, each)]))
      : undefined
  return isPrimitive(value) || type === 'any' || type === 'unknown' ? value : undefined
}

function pickFromObject(shape: Record<string, z.ZodType>, value: Record<string, unknown>, depth: number) {
  return Object.fromEntries(
    Object.entries(shape)
      .filter(([key]) => Object.hasOwn(value, key))
      .map(([key, schema]) => [key, pickDeclared(schema, value[key], depth + 1)]),
  )
}

/** Picks the fields of every option that matches the value; a literal field selects its option. */
function pickFromUnion(options: z.ZodType[], value: unknown, depth: number): unknown {
  const found = options
    .filter((option) => matches(option, value))
    .map((option) => pickDeclared(option, value, depth + 1))
    .filter((each) => each !== undefined)
  return found.every(isRecord) && found.length > 0 ? Object.assign({}, ...found) : found[0]
}

function matches(option: z.ZodType, value: unknown): boolean {
  const { shape } = toDefinition(option)
  if (!shape || !isRecord(value)) return true
  return Object.entries(shape).every(([key, schema]) => {
    const { type, values } = toDefinition(schema)
    return type !== 'literal' || values?.includes(value[key])
  })
}
