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
    'of %s has no fault and no warning by an independent linter',
    async (url) => {
      const document = describeApi('0.1.0', url)
      expect(await problemsOf(document)).toEqual([])
      expect(document.servers.map((server) => server.url)).toEqual([url])
    },
  )

  it('with a reference that leads nowhere is found faulty by that linter', async () => {
    const document = describeApi('0.1.0')
    Object.assign(document.components.schemas, { Broken: { $ref: '#/components/schemas/Nowhere' } })
    expect((await problemsOf(document)).join()).toMatch(/no-unresolved-refs.*Can't resolve/)
  })

  it('has no reference that leads nowhere, and no component that nothing refers to', () => {
    const document = describeApi('0.1.0')
    const references = new Set(referencesIn(document))
    expect(references.size).toBeGreaterThan(100)
    for (const reference of references)
      expect([reference, resolve(document, reference)]).not.toContain(undefined)
    const named = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`)
    expect(named.filter((name) => !references.has(name))).toEqual([])
  })

  it('names its schemas, so that a body or answer of a route stands nowhere else than among the components', () => {
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

  it('has each route once, under the tag of its feature, and each tag is explained', () => {
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

  it('asks of a caller only what has no default, and promises in answers what is always there', () => {
    const { schemas } = describeApi('0.1.0').components
    expect(schemas.NewHost?.required).toEqual(['name', 'address', 'credential'])
    expect(schemas.RingPlanInput?.required).toBeUndefined()
    expect(schemas.RingPlan?.required).toEqual(['canary', 'batch', 'gateMs', 'stopAfterFailures'])
  })
})
