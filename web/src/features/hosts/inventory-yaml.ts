import { LABEL, NAME, type Pasted, type PastedHost } from './pasted-host.ts'

interface Node {
  key: string
  value: string
  line: number
  indent: number
  children: Node[]
}

/** Whether a text looks like an Ansible inventory in YAML rather than in INI. */
export const isYamlInventory = (text: string): boolean =>
  /^\s*(hosts|children):\s*(\{\s*\})?\s*(#.*)?$/m.test(text)

/**
 * Reads an Ansible inventory in YAML as people write it: mappings by indentation. Groups become labels, as those of
 * groups above them do. What is more than that (lists, anchors, JSON in braces) is told as not read.
 */
export function readYamlInventory(text: string): Pasted {
  const byName = new Map<string, PastedHost>()
  const { roots, unread } = nodesOf(text)
  const takeGroup = (group: Node, above: readonly string[]) => {
    const groups =
      LABEL.test(group.key) && !['all', 'ungrouped'].includes(group.key) ? [...above, group.key] : above
    for (const part of group.children) {
      if (part.key === 'hosts') for (const host of part.children) takeHost(host, groups)
      else if (part.key === 'children') for (const child of part.children) takeGroup(child, groups)
    }
  }
  const takeHost = (node: Node, groups: readonly string[]) => {
    if (!NAME.test(node.key)) {
      unread.push({ line: node.line, text: node.key })
      return
    }
    const known = byName.get(node.key)
    const labels = { ...known?.labels, ...Object.fromEntries(groups.map((group) => [group, ''])) }
    // The same host may stand in many groups, with its variables in one of them.
    byName.set(node.key, {
      ...(known ?? hostOf(node)),
      ...(node.children.length > 0 && hostOf(node)),
      labels,
    })
  }
  for (const root of roots) takeGroup(root, [])
  return { hosts: [...byName.values()], unread: unread.toSorted((a, b) => a.line - b.line) }
}

function hostOf({ key, children }: Node): PastedHost {
  const variables = new Map(children.map((child) => [child.key, child.value]))
  const user = variables.get('ansible_user')
  return {
    name: key,
    address: variables.get('ansible_host') || key,
    port: Number(variables.get('ansible_port') || 22),
    ...(user && { user }),
    labels: {},
  }
}

const PAIR = /^(\s*)(?:"([^"]*)"|'([^']*)'|([^\s:#'"][^:#]*?))\s*:(?:\s+(.*))?$/

function nodesOf(text: string): { roots: Node[]; unread: Pasted['unread'] } {
  const roots: Node[] = []
  const unread: Pasted['unread'] = []
  const open: Node[] = []
  text.split('\n').forEach((raw, i) => {
    const line = raw.replace(/(^|\s)#.*/, '').trimEnd()
    if (!line.trim() || line === '---' || line === '...') return
    const [, spaces = '', ...parts] = PAIR.exec(line) ?? []
    const [key] = parts.slice(0, 3).filter((part) => part !== undefined)
    if (key === undefined) {
      unread.push({ line: i + 1, text: raw })
      return
    }
    const value = (parts[3] ?? '').trim().replace(/^(["'])(.*)\1$/, '$2')
    const node = { key, value, line: i + 1, indent: spaces.length, children: [] }
    while ((open.at(-1)?.indent ?? -1) >= node.indent) open.pop()
    ;(open.at(-1)?.children ?? roots).push(node)
    open.push(node)
  })
  return { roots, unread }
}
