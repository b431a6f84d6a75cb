import type { z } from 'zod'

/** Parses JSON by a schema. Returns undefined for text that is no JSON or does not fit. */
export function parseJson<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.output<Schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
