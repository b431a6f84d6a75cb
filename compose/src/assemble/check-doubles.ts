import type { Draft } from './drafts.ts'

/** Refuses what a service says twice in different words: the short keys of Compose beside those under `deploy`. */
export function checkDoubles({ values, reader }: Draft): void {
  const { deploy } = values
  const { limits, reservations } = deploy?.resources ?? {}
  const doubles = [
    ['scale', values.scale, 'replicas', deploy?.replicas],
    ['mem_limit', values.mem_limit, 'resources.limits.memory', limits?.memory],
    ['cpus', values.cpus, 'resources.limits.cpus', limits?.cpus],
    ['pids_limit', values.pids_limit, 'resources.limits.pids', limits?.pids],
    ['mem_reservation', values.mem_reservation, 'resources.reservations.memory', reservations?.memory],
  ] as const
  for (const [key, short, longKey, long] of doubles) {
    const place = values.places[key]
    if (place && short !== undefined && long !== undefined && short !== long)
      reader.at(key).fault(place, `differs from deploy.${longKey}`, 'keep one of the two')
  }
  const counted = deploy?.places.replicas
  if (deploy?.mode === 'global' && counted)
    reader
      .at('deploy')
      .at('replicas')
      .fault(counted, 'has no meaning with mode: global', 'remove one of the two')
}
