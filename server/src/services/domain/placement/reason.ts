import type { FilterName } from './check.ts'
import type { Explanation, Rejection } from './explanation.ts'

/** Verbs for one host and for several, with the detail of the condition in place of `*`. */
const PHRASES: Readonly<Record<FilterName, readonly [one: string, several: string]>> = {
  state: ['is not *', 'are not *'],
  agent: ['has an agent without *', 'have agents without *'],
  architecture: ['is not *', 'are not *'],
  engine: ['has no *', 'have no *'],
  selector: ['lacks label *', 'lack label *'],
  constraints: ['breaks the constraint *', 'break the constraint *'],
  memory: ['has less than * free', 'have less than * free'],
  processor: ['has less than * free', 'have less than * free'],
  disk: ['has no room on the disk for *', 'have no room on the disk for *'],
  ports: ['uses port *', 'use port *'],
  volumes: ['does not have the data of volume *', 'do not have the data of volume *'],
  max_per_host: ['has * of it already', 'have * of it already'],
  instances: ['has * instances, the most', 'have * instances, the most'],
  failures: ['failed this revision *', 'failed this revision *'],
}
/** Their examples are sorted by how near they come. */
const RANKED: ReadonlySet<FilterName> = new Set(['memory', 'processor', 'disk'])

/** Formats why no host took a slot: how many hosts fail at what, with names. */
export function toReason({ hosts, rejections }: Explanation): string {
  if (hosts === 0) return 'there is no host'
  return `no host of ${hosts}: ${rejections.map(toClause).join('; ')}`
}

function toClause({ filter, detail, count, examples }: Rejection): string {
  const phrase = PHRASES[filter][count === 1 ? 0 : 1].replace('*', () => detail)
  if (examples.length === 0) return `${count} ${phrase}`
  const named = examples.map(({ host, evidence }) => {
    if (evidence === null) return host
    return RANKED.has(filter) ? `${host}, ${evidence}` : `${host}: ${evidence}`
  })
  const list = RANKED.has(filter) ? `most: ${named[0]}` : named.join(', ')
  const more = !RANKED.has(filter) && count > examples.length ? ', …' : ''
  return `${count} ${phrase} (${list}${more})`
}
