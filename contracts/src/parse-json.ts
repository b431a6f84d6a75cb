import type { z } from 'zod'

/** Parses JSON by a schema. Returns undefined for text that is no JSON or does not fit. */
export function parseJson<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.output<Schema> | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  return schema.safeParse(json).data
}
