import { Paper, SegmentedControl, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { messageOf } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import type { TargetDraft } from './target.ts'

/** Hosts by name, by label, or all; with what that comes to. */
export function TargetFields(props: {
  target: TargetDraft
  onChange(next: Partial<TargetDraft>): void
  /** What the server said is wrong, by the name of the field. */
  fields: Record<string, string>
}) {
  const { target, onChange, fields } = props
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text fw={600}>{t('run.where')}</Text>
        <SegmentedControl
          w="fit-content"
          aria-label={t('run.where')}
          value={target.by}
          onChange={(by) => onChange({ by: by as TargetDraft['by'] })}
          data={[
            { value: 'hosts', label: t('run.hosts') },
            { value: 'labels', label: t('run.labels') },
            { value: 'all', label: t('run.all') },
          ]}
        />
        {target.by === 'hosts' && (
          <HostsInput value={target.hosts} onChange={(hosts) => onChange({ hosts })} error={fields.hosts} />
        )}
        {target.by === 'labels' && (
          <TextInput
            label={t('run.selector')}
            description={t('run.selectorHint')}
            placeholder="env=prod,zone in (a,b)"
            value={target.labels}
            error={fields.labels ?? fields['labels.0']}
            onChange={(event) => onChange({ labels: event.currentTarget.value })}
          />
        )}
        <TargetPreview target={target} />
      </Stack>
    </Paper>
  )
}

function HostsInput(props: { value: string[]; onChange(hosts: string[]): void; error: string | undefined }) {
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
function TargetPreview({ target }: { target: TargetDraft }) {
  const labels = target.labels.trim()
  const query = target.by === 'labels' ? { labels } : {}
  const found = useQuery({
    queryKey: ['run-preview', target.by, labels],
    queryFn: ({ signal }) => call('listAgents', { query: { ...query, limit: 50 } }, signal),
    enabled: target.by === 'all' || (target.by === 'labels' && labels !== ''),
    retry: false,
  })
  if (target.by === 'hosts') return null
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
