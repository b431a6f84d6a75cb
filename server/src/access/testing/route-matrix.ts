import {
  ADMIN_ROUTES,
  type AdminRouteName,
  FEATURE_ROUTES,
  LIVE_TOPICS,
  type LiveTopic,
  type Permission,
  ROLE_PERMISSIONS,
  type Role,
  type Route,
} from '@rollcall/contracts/admin'
import { AGENT_METHODS, type AgentMethodName } from '@rollcall/contracts/agent'

/** A caller; `rights` is null if it is not authenticated. */
export interface Caller {
  name: string
  /** Its heading in a table. */
  short: string
  kind: 'nobody' | 'person' | 'key'
  rights: { role: Role; isScoped: boolean } | null
}

const PEOPLE = [
  { name: 'viewer', short: 'V', role: 'viewer', isScoped: false },
  { name: 'scoped viewer', short: 'Vs', role: 'viewer', isScoped: true },
  { name: 'scoped operator', short: 'Os', role: 'operator', isScoped: true },
  { name: 'operator', short: 'O', role: 'operator', isScoped: false },
  { name: 'admin', short: 'A', role: 'admin', isScoped: false },
] as const

/** The callers in the matrix. The key of each has every permission, bounded by its owner's rights. */
export const CALLERS: readonly Caller[] = [
  { name: 'stranger', short: '–', kind: 'nobody', rights: null },
  ...PEOPLE.map(({ name, short, ...rights }): Caller => ({ name, short, kind: 'person', rights })),
  ...PEOPLE.map(
    ({ name, short, ...rights }): Caller => ({
      name: `key of a ${name}`,
      short: `k${short}`,
      kind: 'key',
      rights,
    }),
  ),
  { name: 'key of a removed owner', short: 'k†', kind: 'nobody', rights: null },
]

/**
 * The outcome of a request:
 * - `yes`: allowed. `own`: allowed within the caller's scope; anything else does not exist for the caller.
 * - `401`: not authenticated. `403`: not permitted. `fleet`: not permitted, because it affects all hosts.
 */
export type Cell = 'yes' | 'own' | '401' | '403' | 'fleet'

type Declared = Pick<Route, 'access' | 'scope'>

/** Returns the outcome for a caller by a route's declaration. */
export function toCell({ access, scope }: Declared, { kind, rights }: Caller): Cell {
  if (access === 'public') return 'yes'
  if (rights === null) return '401'
  if (access === 'person') return kind === 'person' ? 'yes' : '403'
  if (access !== 'signed-in' && !ROLE_PERMISSIONS[rights.role].includes(access)) return '403'
  if (!rights.isScoped || scope === 'none') return 'yes'
  return scope === 'whole-fleet' ? 'fleet' : 'own'
}

const topicAsDeclared = ({ access, scope }: { access: Permission; scope: unknown }): Declared => ({
  access,
  scope:
    scope === 'filtered'
      ? 'filtered'
      : ({ [Object.keys(scope as object).join()]: 'params.id' } as unknown as Declared['scope']),
})

export const toTopicCell = (topic: LiveTopic, caller: Caller): Cell =>
  toCell(topicAsDeclared(LIVE_TOPICS[topic]), caller)

/** Checks at compile time that methods name only existing routes. */
const METHODS: Record<AgentMethodName, { reachedBy: readonly AdminRouteName[] }> = AGENT_METHODS

const ORDER: readonly Cell[] = ['yes', 'own', 'fleet', '403', '401']

/** Returns the outcome of the most permissive route to a method. */
export const toMethodCell = (method: AgentMethodName, caller: Caller): Cell | '–' =>
  METHODS[method].reachedBy
    .map((route) => toCell(ADMIN_ROUTES[route], caller))
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))[0] ?? '–'

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const table = (heads: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(heads), row(heads.map(() => '---')), ...rows.map(row)].join('\n')

const scopeText = (scope: Route['scope']) =>
  typeof scope === 'string'
    ? scope
    : 'filtered' in scope
      ? `filtered; ${Object.entries(scope.filtered)
          .map(([kind, place]) => `${kind} by \`${place}\``)
          .join(', ')}`
      : Object.entries(scope)
          .map(([kind, place]) => `${kind} by \`${place}\``)
          .join(', ')

const HEADS = CALLERS.map(({ short }) => short)
const INTRO = `# Route matrix: who may do what

Generated from the contract's declarations (\`access\`, \`scope\` and \`audit\` of each route, \`LIVE_TOPICS\`, the agents' methods); do not edit. A test asks the
running server for every cell. To regenerate it after a change of the contract: \`npx vitest run server/src/access/route-matrix.spec.ts -u\`.

- **yes**: allowed. **own**: allowed within the caller's hosts; for anything else the answer is the same as for what does not exist, and lists
  omit it.
- **401**: not authenticated. **403**: not permitted. **fleet**: refused because it affects all hosts (\`access.outside_scope\`).

The callers:

${table(
  ['', 'caller'],
  CALLERS.map(({ short, name }) => [short, name]),
)}

*Scoped* is limited to some hosts by labels. The key of each has every permission, bounded by its owner's rights. \`person\` is for signed-in users:
a key has no account.
`

/** Renders the whole matrix as Markdown. */
export function renderMatrix(): string {
  const routes = Object.entries(FEATURE_ROUTES).map(([feature, own]) => {
    const rows = Object.entries(own as Record<string, Route>).map(([name, route]) => [
      `\`${name}\``,
      `\`${route.method} ${route.path}\`: ${route.summary}`,
      route.access,
      scopeText(route.scope),
      route.audit,
      ...CALLERS.map((caller) => toCell(route, caller)),
    ])
    return `### ${feature}\n\n${table(['route', 'what it does', 'access', 'scope', 'audit', ...HEADS], rows)}\n`
  })
  const topics = (Object.keys(LIVE_TOPICS) as LiveTopic[]).map((topic) => [
    `\`${topic}\``,
    LIVE_TOPICS[topic].access,
    scopeText(topicAsDeclared(LIVE_TOPICS[topic]).scope).replace(
      'params.id',
      Object.values(LIVE_TOPICS[topic].scope).join(),
    ),
    ...CALLERS.map((caller) => toTopicCell(topic, caller)),
  ])
  const methods = (Object.keys(AGENT_METHODS) as AgentMethodName[]).map((method) => [
    `\`${method}\``,
    METHODS[method].reachedBy.map((route) => `\`${route}\``).join(', ') || 'the server alone',
    ...CALLERS.map((caller) => toMethodCell(method, caller)),
  ])
  return [
    INTRO,
    '## Routes\n',
    ...routes,
    '## Topics of `/ws`\n',
    `${table(['topic', 'access', 'scope', ...HEADS], topics)}\n`,
    '## What reaches an agent\n',
    'The routes through which users reach each agent method, and what the most permissive of these allows each caller. A method without a route is called only by the server.\n',
    `${table(['method', 'by', ...HEADS], methods)}\n`,
  ].join('\n')
}
