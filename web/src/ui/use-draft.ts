import { useEffect, useState } from 'react'

/** What somebody is typing, kept over reloads and a new sign-in until it is sent. Never for secrets. */
export function useDraft<T extends object>(
  name: string,
  initial: T,
): [T, (change: Partial<T>) => void, () => void] {
  const key = `rollcall.draft.${name}`
  const [draft, setDraft] = useState<T>(() => {
    try {
      return { ...initial, ...(JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<T>) }
    } catch {
      return initial
    }
  })
  useEffect(() => {
    sessionStorage.setItem(key, JSON.stringify(draft))
  }, [key, draft])
  return [
    draft,
    (change) => setDraft((now) => ({ ...now, ...change })),
    () => {
      sessionStorage.removeItem(key)
      setDraft(initial)
    },
  ]
}
