import type { HostPattern } from './host-pattern.ts'

/** Bounds work: each group is walked for each host. */
export const MAX_GROUPS = 5000

/** A value of a variable: text, or something that only Ansible understands. */
export type Value = string | { kind: 'vault' | 'structure' }
export type Variables = Map<string, Value>

interface Group {
  variables: Variables
  hosts: Set<string>
  children: Set<string>
}

export interface ResolvedHost {
  name: string
  /** Every group that it is in, including parent groups, by name. */
  groups: string[]
  variables: Variables
}

/** Groups, hosts and variables, merged as Ansible merges them: farther groups first, nearer ones after, the host's own last. */
export class GroupTree {
  readonly #groups = new Map<string, Group>()
  readonly #hosts = new Map<string, Variables>()

  constructor() {
    this.addGroup('all')
    this.addGroup('ungrouped')
  }

  get hostCount(): number {
    return this.#hosts.size
  }

  addGroup(name: string): Group {
    const known = this.#groups.get(name)
    if (known) return known
    const group = { variables: new Map(), hosts: new Set<string>(), children: new Set<string>() }
    this.#groups.set(name, group)
    return group
  }

  get groupCount(): number {
    return this.#groups.size
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name)
  }

  /** Returns false for a child that its parent descends from: a circle, which Ansible refuses. */
  addChild(parent: string, child: string): boolean {
    if (reachable(child, (name) => this.#groups.get(name)?.children).has(parent)) return false
    this.addGroup(child)
    this.addGroup(parent).children.add(child)
    return true
  }

  /** Adds hosts to a group. The port counts only where a host is named first, as in Ansible. */
  addHosts({ names, port }: HostPattern, group: string, variables: Iterable<readonly [string, Value]>): void {
    const first: [string, Value][] = port === undefined ? [] : [['ansible_port', String(port)]]
    for (const name of names) {
      this.addGroup(group).hosts.add(name)
      this.#hosts.set(name, new Map([...(this.#hosts.get(name) ?? first), ...variables]))
    }
  }

  /** Resolves all hosts, in the order in which they were named. */
  resolve(): ResolvedHost[] {
    const parents = new Map<string, Set<string>>()
    for (const [name, { children }] of this.#groups)
      for (const child of children) parents.set(child, (parents.get(child) ?? new Set()).add(name))
    const depths = this.#depths(parents)
    const ofHost = new Map<string, Set<string>>(
      [...this.#hosts.keys()].map((name) => [name, new Set(['all'])]),
    )
    for (const [name, { hosts }] of this.#groups) {
      const all = reachable(name, (each) => parents.get(each))
      for (const host of hosts) for (const group of all) ofHost.get(host)?.add(group)
    }
    return [...this.#hosts].map(([name, own]) => {
      const groups = [...(ofHost.get(name) ?? [])]
      const order = groups.toSorted((a, b) => this.#compare(a, b, depths))
      const variables: Variables = new Map()
      for (const group of order)
        for (const [key, value] of this.#groups.get(group)?.variables ?? []) variables.set(key, value)
      for (const [key, value] of own) variables.set(key, value)
      return { name, groups: groups.toSorted(), variables }
    })
  }

  /** Orders groups by depth, priority and name: the last one wins. */
  #compare(a: string, b: string, depths: ReadonlyMap<string, number>): number {
    const depth = (depths.get(a) ?? 0) - (depths.get(b) ?? 0)
    return depth || this.#priority(a) - this.#priority(b) || (a < b ? -1 : 1)
  }

  #priority(group: string): number {
    const value = this.#groups.get(group)?.variables.get('ansible_group_priority')
    return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : 1
  }

  /** Returns the depth of a group below `all`. There are no circles: `addChild` refuses them. */
  #depths(parents: ReadonlyMap<string, ReadonlySet<string>>): Map<string, number> {
    const depths = new Map<string, number>()
    const left = new Map([...this.#groups.keys()].map((name) => [name, parents.get(name)?.size ?? 0]))
    const ready = [...left].filter(([, count]) => count === 0).map(([name]) => name)
    for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
      const depth = depths.get(name) ?? (name === 'all' ? 0 : 1)
      depths.set(name, depth)
      for (const child of this.#groups.get(name)?.children ?? []) {
        depths.set(child, Math.max(depths.get(child) ?? 1, depth + 1))
        left.set(child, (left.get(child) ?? 1) - 1)
        if (left.get(child) === 0) ready.push(child)
      }
    }
    return depths
  }
}

/** Returns a name and all that `next` leads to from there. */
function reachable(name: string, next: (name: string) => ReadonlySet<string> | undefined): Set<string> {
  const all = new Set<string>()
  const waiting = [name]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (all.has(at)) continue
    all.add(at)
    waiting.push(...(next(at) ?? []))
  }
  return all
}
