import { ADMIN_ROUTES, errorBody, FEATURE_ROUTES, type Route } from '@rollcall/contracts/admin'
import { z } from 'zod'
import { SchemaComponents, toFields } from './openapi-schemas.ts'

/** The description of each feature's routes; a missing feature does not compile. */
const FEATURES: Record<keyof typeof FEATURE_ROUTES, string> = {
  access: 'Signing in, one’s own account, users and API keys.',
  audit: 'Who did what.',
  commands: 'Commands, one host each, and their output.',
  health: 'What the server says of itself.',
  heartbeats: 'What the server knows of hosts without asking them again, and how often it asks.',
  hosts: 'The hosts of the fleet.',
  images: 'Images of containers that the servers have, and registries that they come from.',
  playbooks: 'Playbooks, their runs, and collections of one’s own.',
  provisioning: 'Adding, changing, installing and removing hosts.',
  rotations: 'Credentials of agents: how old they are, and new ones.',
  runs: 'Runs: one program or playbook on many hosts.',
  'saved-commands': 'Commands under a name.',
  schedules: 'What begins runs by the clock.',
  secrets: 'Secrets of services: names and versions, never values.',
  services: 'Services from Compose files: plans, instances, and why these are where they are.',
  terminals: 'Shells that people work in.',
  tools: 'The server’s playbooks and Ansible on a host.',
  transfers: 'Files to and from hosts.',
  upgrades: 'Upgrades of agents, ring by ring.',
}

const PROBLEM = { $ref: '#/components/responses/Problem' }

const takesNothing = (schema: z.ZodType) =>
  schema instanceof z.ZodObject && Object.keys(schema.shape).length === 0

const takesJson = ({ consumes, body }: Route) => consumes === 'application/json' && !takesNothing(body)
const answersJson = ({ produces }: Route) => produces === 'application/json'

const toParameters = (schema: z.ZodType, place: 'path' | 'query') =>
  toFields(schema).map(({ name, isRequired, schema: { description, ...rest } }) => ({
    name,
    in: place,
    required: place === 'path' || isRequired,
    ...(description !== undefined && { description }),
    schema: rest,
  }))

function toBody(route: Route, components: SchemaComponents) {
  if (route.consumes !== 'application/json') return { required: true, content: { [route.consumes]: {} } }
  if (!takesJson(route)) return undefined
  const content = { 'application/json': { schema: components.refer(route.body, 'input') } }
  return { required: !route.body.safeParse({}).success, content }
}

function toContent(route: Route, components: SchemaComponents) {
  const { produces } = route
  if (produces === 'application/json')
    return { [produces]: { schema: components.refer(route.response, 'output') } }
  return { [produces]: produces === 'application/octet-stream' ? {} : { schema: { type: 'string' } } }
}

function toOperation(name: string, tag: string, route: Route, components: SchemaComponents) {
  const requestBody = toBody(route, components)
  return {
    operationId: name,
    tags: [tag],
    summary: route.summary,
    security: route.access === 'public' ? [] : [{ apiKey: [] }, { session: [] }],
    parameters: [...toParameters(route.params, 'path'), ...toParameters(route.query, 'query')],
    ...(requestBody && { requestBody }),
    responses: {
      [route.status]: { description: 'Done', content: toContent(route, components) },
      '4XX': PROBLEM,
      '5XX': PROBLEM,
    },
    // Access, scope and audit as the contract declares them.
    'x-access': route.access,
    'x-scope': route.scope,
    'x-audit': route.audit,
  }
}

/** Describes every route of the contract as OpenAPI 3.1. `url` is the address of this server. */
export function describeApi(version: string, url = '/') {
  const routes = Object.values(ADMIN_ROUTES) as Route[]
  const components = new SchemaComponents(
    routes.filter(takesJson).map(({ body }) => body),
    [errorBody, ...routes.filter(answersJson).map(({ response }) => response)],
  )
  const paths: Record<string, Record<string, object>> = {}
  for (const [tag, own] of Object.entries(FEATURE_ROUTES))
    for (const [name, route] of Object.entries(own as Record<string, Route>)) {
      const path = route.path.replace(/:(\w+)/g, '{$1}')
      paths[path] = {
        ...paths[path],
        [route.method.toLowerCase()]: toOperation(name, tag, route, components),
      }
    }
  const problem = components.refer(errorBody, 'output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rollcall',
      version,
      description: 'A fleet manager for Linux hosts. Output and changes come live on /ws.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url, description: 'This server' }],
    tags: Object.entries(FEATURES).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'rollcall_session',
          description: 'The cookie of a browser that has signed in.',
        },
      },
      responses: {
        Problem: {
          description: 'Refused or failed',
          content: { 'application/json': { schema: problem } },
        },
      },
      schemas: components.all(),
    },
  }
}
