import { TagsInput, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { messageOf } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import type { Draft } from './run-draft.ts'

export function HostsInput(props: {
  value: string[]
  onChange(hosts: string[]): void
  error: string | undefined
}) {
  const [typed, setTyped] = useState('')
  const found = useQuery({
    queryKey: ['host-names', typed],
    queryFn: ({ signal }) =>
      call('listAgents', { query: { limit: 20, ...(typed.trim() && { search: typed.trim() }) } }, signal),
  })
  return (
    <TagsInput
      label={t('run.hosts')}
      description={t('run.hostsHint')}
      value={props.value}
      onChange={props.onChange}
      onSearchChange={setTyped}
      searchValue={typed}
      data={found.data?.agents.map(({ host }) => host) ?? []}
      splitChars={[',', ' ']}
      error={props.error}
      maxDropdownHeight={260}
    />
  )
}

/** The hosts that a target comes to, before anything is done. */
export function TargetPreview({ draft }: { draft: Draft }) {
  const labels = draft.labels.trim()
  const query = draft.by === 'labels' ? { labels } : {}
  const found = useQuery({
    queryKey: ['run-preview', draft.by, labels],
    queryFn: ({ signal }) => call('listAgents', { query: { ...query, limit: 50 } }, signal),
    enabled: draft.by === 'all' || (draft.by === 'labels' && labels !== ''),
    retry: false,
  })
  if (draft.by === 'hosts') return null
  if (found.error) return <Text c="red">{messageOf(found.error)}</Text>
  if (!found.data) return null
  const { agents, total } = found.data
  return (
    <Text size="sm" role="status">
      <b>{t('run.preview', { count: total })}</b>{' '}
      {agents.map(({ hostId, host }, i) => (
        <span key={hostId}>
          {i > 0 && ', '}
          <Untrusted>{host}</Untrusted>
        </span>
      ))}
      {total > agents.length && ' …'}
    </Text>
  )
}
