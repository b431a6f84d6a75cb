import type { Target } from '@rollcall/contracts/admin'

/** Which hosts something is for, as it is typed. */
export interface TargetDraft {
  by: 'hosts' | 'labels' | 'all'
  hosts: string[]
  labels: string
}

export const NO_TARGET: TargetDraft = { by: 'hosts', hosts: [], labels: '' }

/** As the server takes it. */
export const targetOf = ({ by, hosts, labels }: TargetDraft) =>
  by === 'all' ? { all: true as const } : by === 'labels' ? { labels: [labels.trim()] } : { hosts }

/** What to fill in for a target as the server has it. */
export const draftOfTarget = ({ hosts = [], labels = [], all }: Target): TargetDraft => ({
  by: all ? 'all' : labels.length > 0 ? 'labels' : 'hosts',
  hosts,
  // All of them must fit, as must all terms of one.
  labels: labels.join(','),
})
