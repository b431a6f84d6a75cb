import type { Draft } from './drafts.ts'

/**
 * Orders services so that each comes after those it depends on, and otherwise as the file has them. Reports every cycle as its path, and
 * every service that is not there.
 */
export function orderByDependencies(drafts: readonly Draft[]): Draft[] {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]))
  const ordered: Draft[] = []
  const states = new Map<Draft, 'visiting' | 'done'>()
  const path: string[] = []
  const visit = (draft: Draft): void => {
    states.set(draft, 'visiting')
    path.push(draft.name)
    for (const { name, place, value } of draft.values.depends_on ?? []) {
      const reader = draft.reader.at('depends_on').at(name)
      const next = byName.get(name)
      if (!next && value.isRequired)
        reader.fault(
          place,
          `names the service ${name}, which is not in this file`,
          'add the service, or remove the dependency',
        )
      else if (!next) reader.take(place, 'otherwise', `${name} is not in this file, and is not waited for`)
      else if (states.get(next) === 'visiting')
        reader.fault(
          place,
          `closes a circle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`,
          'remove one of these dependencies',
          'service.cycle',
        )
      else if (!states.has(next)) visit(next)
    }
    path.pop()
    states.set(draft, 'done')
    ordered.push(draft)
  }
  for (const draft of drafts) if (!states.has(draft)) visit(draft)
  return ordered
}
