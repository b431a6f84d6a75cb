import type { Container } from '@rollcall/contracts/agent'

/** Running ones first, then by name: what has to be left out matters least, and the same is always told in the same order. */
export const order = (containers: readonly Container[]): Container[] =>
  containers.toSorted(
    (a, b) =>
      Number(b.state === 'running') - Number(a.state === 'running') ||
      compare(a.name, b.name) ||
      compare(a.id, b.id),
  )

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
