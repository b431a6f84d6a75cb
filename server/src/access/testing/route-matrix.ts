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

/** Somebody who asks; `rights` are null for those who are nobody. */
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

/** Everybody whom the matrix knows. A key of each has every permission, and is worth what its owner may do. */
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
 * - `yes`: it is let in. `own`: it is let in for what lies within the caller's scope, and for all else told that there is no such thing.
 * - `401`: it is not known. `403`: it may not. `fleet`: it may not, since this concerns all hosts.
 */
export type Cell = 'yes' | 'own' | '401' | '403' | 'fleet'

type Declared = Pick<Route, 'access' | 'scope'>

/** Tells from a declaration what happens to a caller. */
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

export const cellOfTopic = (topic: LiveTopic, caller: Caller): Cell =>
  toCell(topicAsDeclared(LIVE_TOPICS[topic]), caller)

/** A method that names a route which does not exist does not compile. */
const METHODS: Record<AgentMethodName, { reachedBy: readonly AdminRouteName[] }> = AGENT_METHODS

const ORDER: readonly Cell[] = ['yes', 'own', 'fleet', '403', '401']

/** Returns the cell of a caller for an agent's method, by the route that lets them furthest. */
export const cellOfMethod = (method: AgentMethodName, caller: Caller): Cell | '–' =>
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
running server for every cell. To write it anew after a change of the contract: \`npx vitest run server/src/access/route-matrix.spec.ts -u\`.

- **yes**: let in. **own**: let in for what lies within the caller's hosts; for all else the answer is, word for word, that there is no such thing, and lists
  leave it out.
- **401**: not known. **403**: without the permission. **fleet**: refused since this concerns all hosts (\`access.outside_scope\`).

The callers:

${table(
  ['', 'caller'],
  CALLERS.map(({ short, name }) => [short, name]),
)}

*Scoped* is limited to some hosts by labels. A key of each has every permission, and is worth what its owner may do now. \`person\` is for people who have signed in:
a key has no account.
`

/** Writes the whole matrix as Markdown. */
export function writeMatrix(): string {
  const routes = Object.entries(FEATURE_ROUTES).map(([feature, own]) => {
    const rows = Object.entries(own as Record<string, Route>).map(([name, route]) => [
      `\`${name}\``,
      `\`${route.method} ${route.path}\``,
      route.access,
      scopeText(route.scope),
      route.audit,
      ...CALLERS.map((caller) => toCell(route, caller)),
    ])
    return `### ${feature}\n\n${table(['route', '', 'access', 'scope', 'audit', ...HEADS], rows)}\n`
  })
  const topics = (Object.keys(LIVE_TOPICS) as LiveTopic[]).map((topic) => [
    `\`${topic}\``,
    LIVE_TOPICS[topic].access,
    scopeText(topicAsDeclared(LIVE_TOPICS[topic]).scope).replace(
      'params.id',
      Object.values(LIVE_TOPICS[topic].scope).join(),
    ),
    ...CALLERS.map((caller) => cellOfTopic(topic, caller)),
  ])
  const methods = (Object.keys(AGENT_METHODS) as AgentMethodName[]).map((method) => [
    `\`${method}\``,
    METHODS[method].reachedBy.map((route) => `\`${route}\``).join(', ') || 'the server alone',
    ...CALLERS.map((caller) => cellOfMethod(method, caller)),
  ])
  return [
    INTRO,
    '## Routes\n',
    ...routes,
    '## Topics of `/ws`\n',
    `${table(['topic', 'access', 'scope', ...HEADS], topics)}\n`,
    '## What reaches an agent\n',
    'By which routes people reach the methods of agents, and how far the best of these takes each caller. What has no route is called by the server alone.\n',
    `${table(['method', 'by', ...HEADS], methods)}\n`,
  ].join('\n')
}
