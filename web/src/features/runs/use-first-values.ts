import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { call } from '../../api/client.ts'
import { NO_TARGET } from '../targets/target.ts'
import { type Draft, toDraft } from './run-draft.ts'

type RunSearch = Record<'hosts' | 'labels' | 'from' | 'again', string | undefined>

/**
 * Fills in what the page was opened with: hosts that were chosen elsewhere, an earlier run, or one command of it. Returns why that
 * could not be read, if so.
 */
export function useFirstValues(search: RunSearch, change: (next: Partial<Draft>) => void): unknown {
  const { hosts, labels, from, again } = search
  const earlier = useQuery({
    queryKey: ['run-order', from, again],
    queryFn: ({ signal }) =>
      from === undefined ? draftOfRun(again ?? '', signal) : draftOfCommand(from, signal),
    enabled: from !== undefined || again !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each way to come here, and not at each draft
  useEffect(() => {
    if (hosts) change({ by: 'hosts', hosts: hosts.split(',') })
    else if (labels) change({ by: 'labels', labels })
    if (earlier.data) change(earlier.data)
  }, [hosts, labels, earlier.data])
  return earlier.error ?? undefined
}

/** Reads one command of a run, on its host alone: there is nothing to be done in batches. */
async function draftOfCommand(id: string, signal: AbortSignal): Promise<Draft> {
  const { command } = await call('showCommand', { params: { id } }, signal)
  const draft = await draftOfRun(command.runId, signal)
  return { ...draft, ...NO_TARGET, hosts: [command.host.name], concurrency: '', batch: '', stopAfter: '' }
}

async function draftOfRun(id: string, signal: AbortSignal): Promise<Draft> {
  const { order } = await call('showRunOrder', { params: { id } }, signal)
  return toDraft(order, id)
}
