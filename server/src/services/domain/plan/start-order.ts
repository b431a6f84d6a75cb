import type { ServiceGroup } from '@rollcall/compose'

/**
 * Orders services so that each comes after those that it needs: those of one step do not wait for each other. The reader has refused
 * cycles; if one is left, what it holds is the last step.
 */
export function toStartOrder(groups: readonly ServiceGroup[]): string[][] {
  const groupOf = new Map(groups.flatMap(({ name, services }) => services.map((one) => [one.name, name])))
  const left = new Map(groups.map((group) => [group.name, neededBy(group, groupOf)]))
  const steps: string[][] = []
  while (left.size > 0) {
    const ready = [...left].filter(([, needs]) => [...needs].every((name) => !left.has(name)))
    const step = (ready.length > 0 ? ready : [...left]).map(([name]) => name)
    for (const name of step) left.delete(name)
    steps.push(step)
  }
  return steps
}

function neededBy(group: ServiceGroup, groupOf: ReadonlyMap<string, string>): Set<string> {
  const named = group.services.flatMap(({ dependsOn, reach }) => [
    ...dependsOn.map(({ service }) => service),
    ...reach,
  ])
  const needs = new Set(named.flatMap((name) => groupOf.get(name) ?? []))
  needs.delete(group.name)
  return needs
}
