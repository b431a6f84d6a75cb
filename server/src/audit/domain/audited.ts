const MOST_TEXT = 500
const MOST_ITEMS = 50
const DEEPEST = 4

/** Fields that hold secrets, or may; nothing of them is written down but that they were there. */
const SECRET =
  /password|passphrase|privatekey|secret|token|credential|^code$|^callback$|^data$|^env$|^variables$/i

/** What of a request stands in the log: what was asked for, bounded, and no secret. */
export function detailOf(parts: { params: unknown; query: unknown; body: unknown }): Record<string, unknown> {
  const merged = { ...asObject(parts.params), ...asObject(parts.query), ...asObject(parts.body) }
  return told(merged, 0) as Record<string, unknown>
}

const asObject = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {})

function told(value: unknown, depth: number, isPlain = false): unknown {
  if (typeof value === 'string')
    return value.length > MOST_TEXT ? `${value.slice(0, MOST_TEXT)}…` : value.replaceAll('\0', '\ufffd')
  if (value === null || typeof value !== 'object') return value
  if (depth >= DEEPEST) return '…'
  if (Array.isArray(value)) {
    const items = value.slice(0, MOST_ITEMS).map((item) => told(item, depth + 1))
    return value.length > MOST_ITEMS ? [...items, `and ${value.length - MOST_ITEMS} more`] : items
  }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MOST_ITEMS)
      .map(([key, each]) => [
        key.slice(0, 100),
        isPlain ? told(each, depth + 1) : (hidden(key, each) ?? told(each, depth + 1, PLAIN.has(key))),
      ]),
  )
}

/** Labels may be called anything: `env` is the most common of them. */
const PLAIN = new Set(['labels', 'target', 'limits'])

function hidden(key: string, value: unknown): unknown {
  if (!SECRET.test(key) || value === undefined || value === null) return undefined
  // Of an environment and of a playbook's variables the names: they say what was given, and are no secrets.
  if ((key === 'env' || key === 'variables') && typeof value === 'object')
    return Object.keys(value).slice(0, MOST_ITEMS)
  return '(not shown)'
}
