import { expect, it } from 'vitest'
import { z } from 'zod'
import { parseJson } from './parse-json.ts'

it('text is parsed by its schema, and text that is no JSON or does not fit is undefined', () => {
  const schema = z.strictObject({ size: z.int().default(1) })
  expect(parseJson(schema, '{"size":2}')).toEqual({ size: 2 })
  expect(parseJson(schema, '{}')).toEqual({ size: 1 })
  for (const text of ['', '{"size":', '{"size":"2"}', '{"length":2}', 'null'])
    expect(parseJson(schema, text)).toBeUndefined()
})
