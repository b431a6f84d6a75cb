import * as contract from '@rollcall/contracts/admin'
import { ADMIN_ROUTES, type Route } from '@rollcall/contracts/admin'
import { z } from 'zod'

type JsonSchema = Record<string, unknown>
type Io = 'input' | 'output'

const PLACE = '#/components/schemas/'

const toPascal = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

/** Returns whether a schema gets its own name; plain strings and numbers are clearer inline. */
const isNameable = (value: unknown): value is z.ZodType =>
  value instanceof z.ZodObject ||
  value instanceof z.ZodEnum ||
  value instanceof z.ZodUnion ||
  value instanceof z.ZodLazy

/** Adds what zod omits: descriptions, and the required keys of a record. */
function complete({ zodSchema, jsonSchema }: { zodSchema: unknown; jsonSchema: JsonSchema }): void {
  const description = z.globalRegistry.get(zodSchema as z.ZodType)?.description
  if (description !== undefined) jsonSchema.description = description
  // Any JSON: written out, it would refer to itself, which generated types cannot.
  if (zodSchema instanceof z.ZodLazy) for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
  const { required, additionalProperties } = jsonSchema
  if (!(zodSchema instanceof z.ZodRecord) || !Array.isArray(required)) return
  jsonSchema.properties = Object.fromEntries(required.map((key) => [key, additionalProperties]))
  jsonSchema.additionalProperties = false
  delete jsonSchema.propertyNames
}

const OPTIONS = { unrepresentable: 'any', override: complete } as const

/** Names the contract's schemas by their exports, and unnamed bodies and responses by their route. */
function nameSchemas() {
  const names = z.registry<{ id: string }>()
  const name = (schema: z.ZodType, id: string) => {
    if (!names.has(schema)) names.add(schema, { id })
  }
  for (const [exported, schema] of Object.entries(contract))
    if (isNameable(schema)) name(schema, toPascal(exported))
  for (const [route, { body, response }] of Object.entries(ADMIN_ROUTES) as [string, Route][]) {
    name(body, `${toPascal(route)}Request`)
    name(response, `${toPascal(route)}Response`)
  }
  return names
}

function render(names: ReturnType<typeof nameSchemas>, io: Io): Map<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(names, { ...OPTIONS, io, uri: (id) => PLACE + id })
  return new Map(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema as JsonSchema]),
  )
}

/** Replaces every reference below a value by the result of `visit`. */
function mapReferences<Value>(value: Value, visit: (id: string) => string): Value {
  if (Array.isArray(value)) return value.map((item) => mapReferences(item, visit)) as Value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) =>
      key === '$ref' && typeof each === 'string'
        ? [key, PLACE + visit(each.slice(PLACE.length))]
        : [key, mapReferences(each, visit)],
    ),
  ) as Value
}

function findReferences(value: unknown): Set<string> {
  const found = new Set<string>()
  mapReferences(value, (id) => {
    found.add(id)
    return id
  })
  return found
}

/** Finds schemas whose input and output forms differ, directly or by reference, for example by defaults. */
function findDiffering(given: Map<string, JsonSchema>, answered: Map<string, JsonSchema>): Set<string> {
  const isSame = (id: string) => JSON.stringify(given.get(id)) === JSON.stringify(answered.get(id))
  const found = new Set([...given.keys()].filter((id) => !isSame(id)))
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const [id, schema] of given)
      if ([...findReferences(schema)].some((each) => found.has(each))) found.add(id)
  }
  return found
}

/** Collects schemas and everything they refer to. */
function findReachable(from: Iterable<string>, rendered: Map<string, JsonSchema>): Set<string> {
  const found = new Set<string>()
  const visit = (id: string) => {
    if (found.has(id)) return
    found.add(id)
    for (const each of findReferences(rendered.get(id))) visit(each)
  }
  for (const id of from) visit(id)
  return found
}

/** Renders the contract's bodies and responses, with all they refer to, as named components. */
export class SchemaComponents {
  private readonly names = nameSchemas()
  /** Schemas whose request and response forms differ and so have two names. */
  private readonly splitSchemas: Set<string>
  private readonly components = new Map<string, JsonSchema>()

  constructor(given: readonly z.ZodType[], answered: readonly z.ZodType[]) {
    const rendered = { input: render(this.names, 'input'), output: render(this.names, 'output') }
    const used = {
      input: findReachable(
        given.map((schema) => this.toId(schema)),
        rendered.input,
      ),
      output: findReachable(
        answered.map((schema) => this.toId(schema)),
        rendered.output,
      ),
    }
    const apart = findDiffering(rendered.input, rendered.output)
    this.splitSchemas = new Set([...apart].filter((id) => used.input.has(id) && used.output.has(id)))
    for (const io of ['input', 'output'] as const)
      for (const id of used[io])
        this.components.set(
          this.toName(id, io),
          mapReferences(rendered[io].get(id) as JsonSchema, (each) => this.toName(each, io)),
        )
  }

  /** Returns a reference to a body or response passed to the constructor. */
  refer(schema: z.ZodType, io: Io): { $ref: string } {
    return { $ref: PLACE + this.toName(this.toId(schema), io) }
  }

  /** Returns all components by name. */
  all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.components].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  private toId(schema: z.ZodType): string {
    const id = this.names.get(schema)?.id
    if (id === undefined) throw new Error('a schema of no route has no name')
    return id
  }

  private toName(id: string, io: Io): string {
    return io === 'input' && this.splitSchemas.has(id) ? `${id}Input` : id
  }
}

/** Returns the fields of a path or query, each with its inline schema. */
export function toFields(schema: z.ZodType): { name: string; isRequired: boolean; schema: JsonSchema }[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    ...OPTIONS,
    io: 'input',
    metadata: z.registry<{ id?: string }>(),
  }) as { properties?: Record<string, JsonSchema>; required?: string[] }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    isRequired: required.includes(name),
    schema: property,
  }))
}
