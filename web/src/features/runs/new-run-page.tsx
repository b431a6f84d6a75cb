import {
  Button,
  Group,
  NumberInput,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useMemo } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { TargetFields } from '../targets/target-fields.tsx'
import { type Draft, draftOf, EMPTY, newId, runBodyOf } from './run-draft.ts'
import { SaveRun } from './save-run.tsx'

export function NewRunPage() {
  const search = useSearch({ from: '/inside/run' })
  const navigate = useNavigate()
  const mayPlan = useMay('schedules:write')
  const [draft, change, forget] = useDraft('run', EMPTY)
  const { attempt, isWorking, error, setError, fields } = useAttempt()
  useFirstValues(search, change)
  // The same id for the same request, so that it is begun once however often it has to be sent.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another draft is another request
  const runId = useMemo(newId, [draft])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const body = runBodyOf(draft)
    if (typeof body === 'string') return setError(new Error(body))
    await attempt(async () => {
      const accepted = await call('run', { body: { ...body, runId } })
      forget()
      await navigate({ to: '/runs/$id', params: { id: accepted.runId } })
    })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack maw={920}>
        <PageHeader title={t('run.title')} />
        <TargetFields target={draft} onChange={change} fields={fields} />
        <Paper withBorder p="md">
          <Stack gap="sm">
            <Text fw={600}>{t('run.what')}</Text>
            <SegmentedControl
              w="fit-content"
              aria-label={t('run.what')}
              value={draft.mode}
              onChange={(mode) => change({ mode: mode as Draft['mode'] })}
              data={[
                { value: 'program', label: t('run.program') },
                { value: 'shell', label: t('run.shell') },
              ]}
            />
            {draft.mode === 'program' ? (
              <TextInput
                label={t('run.program')}
                description={t('run.programHint')}
                placeholder="systemctl status nginx"
                styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                value={draft.line}
                error={fields.program ?? fields.args}
                spellCheck={false}
                onChange={(event) => change({ line: event.currentTarget.value })}
              />
            ) : (
              <Textarea
                label={t('run.shell')}
                description={t('run.shellHint')}
                placeholder="df -h / | tail -1"
                autosize
                minRows={3}
                maxRows={14}
                value={draft.script}
                spellCheck={false}
                styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                onChange={(event) => change({ script: event.currentTarget.value })}
              />
            )}
          </Stack>
        </Paper>
        <Paper withBorder p="md">
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
            <NumberInput
              label={t('run.timeout')}
              value={draft.timeoutS}
              min={1}
              error={fields.timeoutMs}
              onChange={(value) => change({ timeoutS: Number(value) })}
            />
            <NumberInput
              label={t('run.concurrency')}
              value={draft.concurrency}
              min={1}
              error={fields['limits.concurrency']}
              placeholder={t('run.unlimited')}
              onChange={(value) => change({ concurrency: value === '' ? '' : Number(value) })}
            />
            <TextInput
              label={t('run.batch')}
              value={draft.batch}
              error={fields['limits.batch']}
              placeholder="10, 25%"
              onChange={(event) => change({ batch: event.currentTarget.value })}
            />
            <NumberInput
              label={t('run.stopAfter')}
              value={draft.stopAfter}
              min={1}
              error={fields['limits.stopAfterFailures']}
              placeholder={t('run.never')}
              onChange={(value) => change({ stopAfter: value === '' ? '' : Number(value) })}
            />
          </SimpleGrid>
        </Paper>
        <FormError error={error} />
        <Group>
          <Button type="submit" loading={isWorking}>
            {t('run.submit')}
          </Button>
          {mayPlan && <SaveRun draft={draft} onError={setError} />}
        </Group>
      </Stack>
    </form>
  )
}

/** What the page was opened with: hosts that were chosen elsewhere, or an earlier command that is to run again. */
function useFirstValues(
  search: { hosts: string | undefined; labels: string | undefined; from: string | undefined },
  change: (next: Partial<Draft>) => void,
) {
  const earlier = useQuery({
    queryKey: ['command', search.from],
    queryFn: ({ signal }) => call('showCommand', { params: { id: search.from ?? '' } }, signal),
    enabled: search.from !== undefined,
  })
  const command = earlier.data?.command
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each way to come here, and not at each draft
  useEffect(() => {
    if (search.hosts) change({ by: 'hosts', hosts: search.hosts.split(',') })
    else if (search.labels) change({ by: 'labels', labels: search.labels })
    if (!command) return
    change(draftOf(command))
  }, [search.hosts, search.labels, command])
}
