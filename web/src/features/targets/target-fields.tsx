import { Paper, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { TargetPreview as Preview } from '@rollcall/contracts/admin'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ApiError, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { toFormFaults } from '../../ui/faults.ts'
import { Failure } from '../../ui/resource-form.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import type { InputProps } from '../../ui/use-request-form.ts'
import { HostsInput } from './hosts-input.tsx'
import { type TargetDraft, toTarget } from './target.ts'

const SETTLED_MS = 300

/** Draws the fields of a form for its hosts, by name, by label, or all; and the hosts that this comes to. */
export function TargetFields({ target, inputProps }: { target: TargetDraft; inputProps: InputProps }) {
  const preview = useTargetPreview(target)
  // What is wrong with the hosts as they are now goes before what was wrong when they were sent.
  const found = toFormFaults(preview.error instanceof ApiError ? preview.error.messages : {}, target)
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text fw={600}>{t('run.where')}</Text>
        <SegmentedControl
          w="fit-content"
          aria-label={t('run.where')}
          data={[
            { value: 'hosts', label: t('run.hosts') },
            { value: 'labels', label: t('run.labels') },
            { value: 'all', label: t('run.all') },
          ]}
          {...inputProps('by')}
        />
        {target.by === 'hosts' && (
          <HostsInput {...inputProps('hosts')} {...(found.hosts && { error: found.hosts })} />
        )}
        {target.by === 'labels' && (
          <TextInput
            label={t('run.selector')}
            description={t('run.selectorHint')}
            placeholder="env=prod,zone in (a,b)"
            {...inputProps('labels')}
            {...(found.labels && { error: found.labels })}
          />
        )}
        {preview.data && !preview.error && target.by !== 'hosts' && <TargetPreview preview={preview.data} />}
        {Object.keys(found).length === 0 && <Failure error={preview.error} />}
      </Stack>
    </Paper>
  )
}

/** Returns the hosts that a target comes to, as a run would choose them. What is wrong is told while it is typed. */
function useTargetPreview(target: TargetDraft) {
  const [body] = useDebouncedValue(JSON.stringify(toTarget(target)), SETTLED_MS)
  const isEmpty =
    (target.by === 'hosts' && target.hosts.length === 0) ||
    (target.by === 'labels' && target.labels.trim() === '')
  return useQuery({
    queryKey: ['target-preview', body],
    queryFn: ({ signal }) => call('previewTarget', { body: JSON.parse(body) }, signal),
    enabled: !isEmpty && body === JSON.stringify(toTarget(target)),
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
