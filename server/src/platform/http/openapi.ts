import { ADMIN_ROUTES, errorBody, type Route } from '@rollcall/contracts/admin'
import { z } from 'zod'

const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return json
}

const takesNothing = (schema: z.ZodType) =>
  schema instanceof z.ZodObject && Object.keys(schema.shape).length === 0

function parametersOf(schema: z.ZodType, place: 'path' | 'query') {
  if (!(schema instanceof z.ZodObject)) return []
  const json = schemaOf(schema, 'input') as { properties?: Record<string, object>; required?: string[] }
  return Object.entries(json.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || (json.required ?? []).includes(name),
    schema: property,
  }))
}

function operationOf(name: string, route: Route) {
  const content = (schema: z.ZodType, io: 'input' | 'output') => ({
    'application/json': { schema: schemaOf(schema, io) },
  })
  return {
    operationId: name,
    summary: route.summary,
    security: route.access === 'public' ? [] : [{ apiKey: [] }],
    parameters: [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')],
    ...(!takesNothing(route.body) && {
      requestBody: { required: true, content: content(route.body, 'input') },
    }),
    responses: {
      [route.status]: { description: 'Done', content: content(route.response, 'output') },
      default: { description: 'Refused or failed', content: content(errorBody, 'output') },
    },
  }
}

/** The OpenAPI 3.1 description of every route, made from the contract. */
export function describeApi(version: string) {
  const paths: Record<string, Record<string, object>> = {}
  for (const [name, route] of Object.entries(ADMIN_ROUTES) as [string, Route][]) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(name, route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Rollcall', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
    paths,
  }
}
