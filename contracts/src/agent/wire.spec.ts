import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ERRORS, type ErrorCode, maySay } from '../errors.ts'
import { HOST_METHODS } from './host.ts'
import { AGENT_METHODS, type AgentMethodName } from './index.ts'

/**
 * Samples of the wire as released agents and servers speak it. A sample is never changed and never removed: when one of
 * these tests fails, the contract has broken last release's agents.
 */
const folder = new URL('../../test/wire/', import.meta.url)
const samples = readdirSync(folder).map((file) => ({
  file,
  ...JSON.parse(readFileSync(new URL(file, folder), 'utf8')),
}))

const errorAnswer = z.strictObject({
  code: z.int(),
  message: z.string().min(1),
  data: z.strictObject({
    code: z.custom((code) => maySay('agent', code)),
    kind: z.enum(['rejected', 'unavailable', 'defect']),
    outcome: z.enum(['not-applied', 'unknown']),
    fields: z.array(z.strictObject({ field: z.string(), message: z.string() })),
  }),
})

describe('frozen samples of the wire still parse', () => {
  it.each(samples.filter((sample) => sample.response.result))(
    'the result in the frozen sample $file still parses',
    ({ request, response }) => {
      const method = AGENT_METHODS[request.method as AgentMethodName]
      method.params.parse(request.params)
      // Not equal: fields that later releases added are filled in with their defaults.
      expect(method.result.parse(response.result)).toMatchObject(response.result)
    },
  )

  it.each(samples.filter((sample) => sample.response.error))(
    'the error in the frozen sample $file still parses',
    ({ response }) => {
      const { data } = errorAnswer.parse(response.error)
      expect(ERRORS[data.code as ErrorCode].kind).toBe(data.kind)
    },
  )
})

type JsonSchema = Exclude<z.core.JSONSchema._JSONSchema, boolean>

/** Builds the smallest value of a schema: required fields only, the first of several forms. */
function toSample(schema: JsonSchema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  const forms = schema.anyOf ?? schema.oneOf
  if (forms) return toSample(forms[0] as JsonSchema)
  switch (schema.type) {
    case 'object': {
      const names = schema.required ?? []
      return Object.fromEntries(
        names.map((name) => [name, toSample(schema.properties?.[name] as JsonSchema)]),
      )
    }
    case 'array': {
      const items = (schema.prefixItems ?? Array(schema.minItems ?? 0).fill(schema.items)) as JsonSchema[]
      return items.map(toSample)
    }
    case 'string':
      if (schema.format === 'uuid') return '11111111-2222-4333-8444-555555555555'
      if (!schema.pattern) return 'a'.repeat(Math.max(1, schema.minLength ?? 0))
      return fc.sample(fc.stringMatching(new RegExp(schema.pattern)), { seed: 1, numRuns: 1 })[0]
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return Math.max(1, schema.minimum ?? 1)
  }
}

/** Builds a call of a method. Throws for a method whose contract has rules beyond its schema: its sample is written by hand. */
function toCall(method: AgentMethodName) {
  const sample = (schema: z.ZodType, io: 'input' | 'output') => {
    const value = toSample(z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema)
    if (schema.safeParse(value).success) return value
    throw new Error(
      `No sample of ${method} can be generated. Write contracts/test/wire/${method}.json by hand.`,
    )
  }
  const { params, result } = AGENT_METHODS[method]
  const call = { jsonrpc: '2.0', id: 1 }
  return {
    request: { ...call, method, params: sample(params, 'input') },
    response: { ...call, result: sample(result, 'output') },
  }
}

describe('a new RPC method gets a sample of its wire form, which is frozen from then on', () => {
  it('every RPC method has a frozen sample, or one is written', async () => {
    const sampled = new Set(samples.map((sample) => sample.request.method))
    const missing = (Object.keys(AGENT_METHODS) as AgentMethodName[]).filter((name) => !sampled.has(name))
    for (const method of missing)
      await expect(`${JSON.stringify(toCall(method), null, 2)}\n`).toMatchFileSnapshot(
        fileURLToPath(new URL(`${method}.json`, folder)),
      )
  })

  it.each(Object.keys(HOST_METHODS) as AgentMethodName[])(
    'the sample generated for %s is a call of it and an answer to it',
    (method) => expect(toCall(method)).toMatchObject({ request: { method }, response: { result: {} } }),
  )
})
