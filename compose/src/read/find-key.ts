import type { Node, Place } from '../source/tree.ts'

/**
 * Returns where the key at `path` is written, such as `services.web.x-rollcall.variables.port`; undefined if it is not there. A name with a
 * dot in it may stand in quotes.
 */
export function findKey(node: Node, path: string): Place | undefined {
  for (const { name, place, value } of childrenOf(node))
    for (const written of name.includes('.') ? [name, `"${name}"`] : [name]) {
      if (path === written) return place
      const found = path.startsWith(`${written}.`) && findKey(value, path.slice(written.length + 1))
      if (found) return found
    }
  return undefined
}

function childrenOf(node: Node): { name: string; place: Place; value: Node }[] {
  if (node.kind === 'map') return node.entries.map(({ key, place, value }) => ({ name: key, place, value }))
  if (node.kind === 'scalar') return []
  return node.items.map((item, index) => ({ name: String(index), place: item.place, value: item }))
}
