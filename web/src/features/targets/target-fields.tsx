import { Paper, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { TargetPreview as Preview } from '@rollcall/contracts/admin'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ApiError, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { toMessage } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { HostsInput } from './hosts-input.tsx'
import { type TargetDraft, targetOf } from './target.ts'

const SETTLED_MS = 300

/** Hosts by name, by label, or all; with what that comes to. */
export function TargetFields(props: {
  target: TargetDraft
  onChange(next: Partial<TargetDraft>): void
  /** What the server said is wrong, by the name of the field. */
  fields: Record<string, string>
}) {
  const { target, onChange, fields } = props
  const preview = useTargetPreview(target)
  // What is wrong with the hosts as they are now, or was when they were sent.
  const found = preview.error instanceof ApiError ? preview.error.messages : {}
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
          <HostsInput
            value={target.hosts}
            onChange={(hosts) => onChange({ hosts })}
            error={found.hosts ?? fields.hosts}
          />
        )}
        {target.by === 'labels' && (
          <TextInput
            label={t('run.selector')}
            description={t('run.selectorHint')}
            placeholder="env=prod,zone in (a,b)"
            value={target.labels}
            error={found.labels ?? found['labels.0'] ?? fields.labels ?? fields['labels.0']}
            onChange={(event) => onChange({ labels: event.currentTarget.value })}
          />
        )}
        {preview.data && !preview.error && target.by !== 'hosts' && <TargetPreview preview={preview.data} />}
        {preview.error && Object.keys(found).length === 0 && (
          <Text size="sm" c="red" role="alert">
            {toMessage(preview.error)}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}

/** The hosts that a target comes to, as a run would choose them. What cannot be is told while it is typed. */
function useTargetPreview(target: TargetDraft) {
  const [body] = useDebouncedValue(JSON.stringify(targetOf(target)), SETTLED_MS)
  const isEmpty =
    (target.by === 'hosts' && target.hosts.length === 0) ||
    (target.by === 'labels' && target.labels.trim() === '')
  return useQuery({
    queryKey: ['target-preview', body],
    queryFn: ({ signal }) => call('previewTarget', { body: JSON.parse(body) }, signal),
    enabled: !isEmpty && body === JSON.stringify(targetOf(target)),
    placeholderData: keepPreviousData,
  })
}

function TargetPreview({ preview: { total, hosts, skippedTotal, skipped } }: { preview: Preview }) {
  return (
    <Text size="sm" role="status" component="div">
      <b>{t('run.preview', { count: total })}</b> <Untrusted>{hosts.join(', ')}</Untrusted>
      {total > hosts.length && ' …'}
      {skippedTotal > 0 && (
        <Text size="sm" c="dimmed" component="div">
          {t('run.previewSkipped', { count: skippedTotal })}{' '}
          <Untrusted>{skipped.map(({ host, reason }) => `${host} (${reason})`).join(', ')}</Untrusted>
          {skippedTotal > skipped.length && ' …'}
        </Text>
      )}
    </Text>
  )
}
