import { Button, Group, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useMemo, useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { NO_TARGET } from '../targets/target.ts'
import { TargetFields } from '../targets/target-fields.tsx'
import { type Draft, EMPTY, newId, toDraft, toRunBody } from './run-draft.ts'
import { EnvironmentFields, LimitFields, ProgramFields } from './run-fields.tsx'
import { SaveRun } from './save-run.tsx'

/** Where faults of the request are shown. */
const PLACES = {
  hosts: 'hosts',
  labels: 'labels',
  all: 'by',
  program: 'line',
  args: 'line',
  cwd: 'cwd',
  env: 'envText',
  envOf: 'envOf',
  tty: 'tty',
  timeoutMs: 'timeoutS',
  'limits.concurrency': 'concurrency',
  'limits.batch': 'batch',
  'limits.stopAfterFailures': 'stopAfter',
} as const

type RunSearch = Record<'hosts' | 'labels' | 'from' | 'again', string | undefined>

export function NewRunPage() {
  const search = useSearch({ from: '/inside/run' })
  const navigate = useNavigate()
  const mayPlan = useMay('schedules:write')
  const [draft, change, forget] = useDraft('run', EMPTY)
  const [envText, setEnvText] = useState('')
  const { attempt, isWorking, error, setError, fields } = useAttempt({ ...draft, envText }, PLACES)
  const missing = useFirstValues(search, change)
  // The same id for the same request, so that it is begun once however often it has to be sent.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another draft is another request
  const runId = useMemo(newId, [draft, envText])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const body = toRunBody(draft, envText)
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
        <ProgramFields draft={draft} change={change} fields={fields} />
        <EnvironmentFields draft={draft} change={change} fields={fields} text={envText} onText={setEnvText} />
        <LimitFields draft={draft} change={change} fields={fields} />
        <FormError error={error ?? missing} />
        <Group>
          <Button type="submit" loading={isWorking}>
            {t('run.submit')}
          </Button>
          {mayPlan && <SaveRun draft={draft} envText={envText} onError={setError} />}
        </Group>
      </Stack>
    </form>
  )
}

/** What the page was opened with: hosts that were chosen elsewhere, or an earlier run or one of its commands that is to run again. */
function useFirstValues(search: RunSearch, change: (next: Partial<Draft>) => void): unknown {
  const { hosts, labels, from, again } = search
  const earlier = useQuery({
    queryKey: ['run-order', from, again],
    queryFn: async ({ signal }) => {
      if (from === undefined) return draftOfRun(again ?? '', signal)
      const { command } = await call('showCommand', { params: { id: from } }, signal)
      const draft = await draftOfRun(command.runId, signal)
      // One command of it, on its host alone: there is nothing to be done in waves.
      return {
        ...draft,
        ...NO_TARGET,
        hosts: [command.host.name],
        concurrency: '',
        batch: '',
        stopAfter: '',
      } as Draft
    },
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

async function draftOfRun(id: string, signal: AbortSignal): Promise<Draft> {
  const { order } = await call('showRunOrder', { params: { id } }, signal)
  return toDraft(order, id)
}
