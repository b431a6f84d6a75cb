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
    if (parent === child || this.#descends(parent, child)) return false
    this.addGroup(child)
    this.addGroup(parent).children.add(child)
    return true
  }

  /** Adds a host to a group. Its port counts only where the host is named first, as in Ansible. */
  addHost(name: string, group: string, port?: number): Variables {
    this.addGroup(group).hosts.add(name)
    let variables = this.#hosts.get(name)
    if (!variables) {
      variables = new Map(port === undefined ? [] : [['ansible_port', String(port)]])
      this.#hosts.set(name, variables)
    }
    return variables
  }

  #descends(name: string, from: string): boolean {
    const waiting = [from]
    const seen = new Set<string>()
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (at === name) return true
      if (seen.has(at)) continue
      seen.add(at)
      waiting.push(...(this.#groups.get(at)?.children ?? []))
    }
    return false
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
      const all = withParents(name, parents)
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

function withParents(name: string, parents: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const all = new Set<string>()
  const waiting = [name]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (all.has(at)) continue
    all.add(at)
    waiting.push(...(parents.get(at) ?? []))
  }
  return all
}
