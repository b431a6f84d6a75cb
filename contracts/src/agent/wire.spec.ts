import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ERRORS, type ErrorCode, maySay } from '../errors.ts'
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

  it('every RPC method has a frozen sample of its wire form', () => {
    const sampled = new Set(samples.map((sample) => sample.request.method))
    expect(Object.keys(AGENT_METHODS).filter((name) => !sampled.has(name))).toEqual([])
  })
})
