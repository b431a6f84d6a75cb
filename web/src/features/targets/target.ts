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
