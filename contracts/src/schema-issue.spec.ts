import { expect, it } from 'vitest'
import { z } from 'zod'
import { newHost } from './admin/index.ts'
import { fieldErrors } from './errors.ts'

const toWords = (schema: z.ZodType, value: unknown) =>
  fieldErrors(schema.safeParse(value).error?.issues ?? []).map(({ message }) => message)

it.each<[string, z.ZodType, unknown, string]>([
  ['an empty text', z.string().min(1), '', 'is needed'],
  ['a short text', z.string().min(12), 'x', 'must have at least 12 characters'],
  ['a long text', z.string().max(3), 'abcd', 'must have at most 3 characters'],
  ['an empty list', z.array(z.string()).min(1), [], 'needs at least one entry'],
  ['a long list', z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 entries'],
  ['a small number', z.int().min(1), 0, 'must be at least 1'],
  ['a large number', z.int().max(5), 9, 'must be at most 5'],
  ['no number', z.number(), Number.NaN, 'must be a number'],
  ['half a number', z.int(), 1.5, 'must be a whole number'],
  ['nothing', z.string(), undefined, 'is missing'],
  ['another type', z.boolean(), 'x', 'must be true or false'],
  ['another choice', z.enum(['a', 'b']), 'c', 'must be one of a, b'],
  ['no address', z.email(), 'x', 'must be an e-mail address'],
  ['none of several forms', z.union([z.string(), z.int()]), {}, 'does not match any known form'],
  ['what a schema says itself', z.string().min(3, 'must be a colour'), '', 'must be a colour'],
])('an issue of %s is described in plain words', (_what, schema, value, words) => {
  expect(toWords(schema, value)).toEqual([words])
})

it('one issue per field is described, never in the words of the schema library', () => {
  const empty = { name: '', address: '', user: '', credential: { type: 'key', privateKey: '' } }
  const faults = fieldErrors(newHost.safeParse(empty).error?.issues ?? [])
  const fields = faults.map(({ field }) => field)
  expect(fields).toEqual(expect.arrayContaining(['name', 'address', 'credential.privateKey']))
  expect(new Set(fields).size).toBe(fields.length)
  for (const { message } of faults) expect(message).not.toMatch(/Too small|expected|Invalid|>=/)
})
