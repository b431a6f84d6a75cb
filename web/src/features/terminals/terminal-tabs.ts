import type { CommandView } from '@rollcall/contracts/admin'

/** A terminal that is on the page. */
export interface Tab {
  id: string
  /** The host, with a number where it has several, and whose it is where that is somebody else. */
  title: string
  host: string
  isMine: boolean
  isEnded: boolean
}

export type OpenTerminal = Pick<CommandView, 'id' | 'host' | 'requestedBy' | 'createdAt'>

/**
 * Makes the tabs out of what runs by the server's word, wherever it was opened, and of what was `seen` on this page: one that has
 * ended stays until somebody closes it, so that its last words can be read. In the order in which they were opened.
 */
export function tabsOf(
  running: readonly OpenTerminal[],
  seen: readonly OpenTerminal[],
  closed: ReadonlySet<string>,
  me: string | undefined,
): Tab[] {
  const known = new Map([...seen, ...running].map((terminal) => [terminal.id, terminal]))
  const runs = new Set(running.map(({ id }) => id))
  const shown = [...known.values()]
    .filter(({ id }) => !closed.has(id))
    .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id))
  const counts = new Map<string, number>()
  return shown.map(({ id, host, requestedBy }) => {
    const count = (counts.get(host.name) ?? 0) + 1
    counts.set(host.name, count)
    const name = count > 1 ? `${host.name} (${count})` : host.name
    return {
      id,
      host: host.name,
      isMine: requestedBy === me,
      title: requestedBy === me ? name : `${name} \u00b7 ${requestedBy}`,
      isEnded: !runs.has(id),
    }
  })
}
