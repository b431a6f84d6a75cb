import type { Target } from '@rollcall/contracts/admin'

/** The hosts that something is for, as they are typed. */
export interface TargetDraft {
  by: 'hosts' | 'labels' | 'all'
  hosts: string[]
  labels: string
}

export const NO_TARGET: TargetDraft = { by: 'hosts', hosts: [], labels: '' }

/** Returns a target as the server takes it. */
export const toTarget = ({ by, hosts, labels }: TargetDraft) =>
  by === 'all' ? { all: true as const } : by === 'labels' ? { labels: [labels.trim()] } : { hosts }

/** Returns what to fill in for a target as the server has it. */
export const toTargetDraft = ({ hosts = [], labels = [], all }: Target): TargetDraft => ({
  by: all ? 'all' : labels.length > 0 ? 'labels' : 'hosts',
  hosts,
  // All of them must match, as must all terms of one.
  labels: labels.join(','),
})
