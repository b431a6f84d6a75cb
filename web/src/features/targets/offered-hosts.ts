/** Hosts on offer for what is typed: whose name is just that first, then those that begin with it, then those that contain it. */
export function offered(names: readonly string[], typed: string, taken: readonly string[]): string[] {
  const wanted = typed.toLowerCase()
  const rank = (name: string) => {
    const own = name.toLowerCase()
    return own === wanted ? 0 : own.startsWith(wanted) ? 1 : 2
  }
  return names
    .filter((name) => !taken.includes(name) && name.toLowerCase().includes(wanted))
    .toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b))
}
