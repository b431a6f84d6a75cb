import { createConfig, lintFromString } from '@redocly/openapi-core'
import { ADMIN_ROUTES, FEATURE_ROUTES } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { describeApi } from './openapi.ts'

type Document = ReturnType<typeof describeApi>

/** Returns the findings of an independent linter by its recommended rules, warnings included. */
async function problemsOf(document: Document): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended'] })
  const source = JSON.stringify(document)
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config })
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)
}

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) =>
    key === '$ref' ? [each as string] : referencesIn(each),
  )
}

const resolve = (document: Document, reference: string) =>
  reference
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document)

const operationsOf = (document: Document) =>
  Object.values(document.paths).flatMap((path) =>
    Object.values(path as Record<string, { operationId: string; tags: string[] }>),
  )

describe('the OpenAPI document', () => {
  it.each(['/', 'https://rollcall.example'])(
    'the OpenAPI document of %s has no finding of an independent linter',
    async (url) => {
      const document = describeApi('0.1.0', url)
      expect(await problemsOf(document)).toEqual([])
      expect(document.servers.map((server) => server.url)).toEqual([url])
    },
  )

  it('an OpenAPI document with a broken reference is rejected by that linter', async () => {
    const document = describeApi('0.1.0')
    Object.assign(document.components.schemas, { Broken: { $ref: '#/components/schemas/Nowhere' } })
    expect((await problemsOf(document)).join()).toMatch(/no-unresolved-refs.*Can't resolve/)
  })

  it('the OpenAPI document has no broken reference and no unused component', () => {
    const document = describeApi('0.1.0')
    const references = new Set(referencesIn(document))
    expect(references.size).toBeGreaterThan(100)
    for (const reference of references)
      expect([reference, resolve(document, reference)]).not.toContain(undefined)
    const named = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`)
    expect(named.filter((name) => !references.has(name))).toEqual([])
  })

  it('the OpenAPI document has the body and answer of every route among its named components', () => {
    const document = describeApi('0.1.0')
    const inline = operationsOf(document).filter((operation) =>
      /"application\/json":\{"schema":\{(?!"\$ref")/.test(JSON.stringify(operation)),
    )
    expect(inline.map(({ operationId }) => operationId)).toEqual([])
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining([
        'HostView',
        'NewHost',
        'CommandView',
        'RunView',
        'Target',
        'ErrorBody',
        'ErrorCode',
      ]),
    )
  })

  it('the OpenAPI document has each route once, under the described tag of its feature', () => {
    const document = describeApi('0.1.0')
    expect(
      operationsOf(document)
        .map(({ operationId }) => operationId)
        .sort(),
    ).toEqual(Object.keys(ADMIN_ROUTES).sort())
    for (const { operationId, tags } of operationsOf(document))
      expect(Object.keys(FEATURE_ROUTES[tags[0] as keyof typeof FEATURE_ROUTES])).toContain(operationId)
    expect(document.tags.map(({ name }) => name)).toEqual(Object.keys(FEATURE_ROUTES))
    for (const { description } of document.tags) expect(description).not.toBe('')
  })

  it('the OpenAPI document requires fields without a default in requests, and every certain field in answers', () => {
    const { schemas } = describeApi('0.1.0').components
    expect(schemas.NewHost?.required).toEqual(['name', 'address', 'credential'])
    expect(schemas.RingPlanInput?.required).toBeUndefined()
    expect(schemas.RingPlan?.required).toEqual(['canary', 'batch', 'gateMs', 'stopAfterFailures'])
  })
})
