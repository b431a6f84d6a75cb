import {
  Alert,
  Button,
  Group,
  NumberInput,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Stack,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { AdminRoutes } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useMemo, useState } from 'react'
import type { z } from 'zod'
import { ApiError, call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { messageOf, PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { commandLine, splitWords } from '../../ui/words.ts'

/** Also where a page came without encryption, where browsers offer no randomUUID. */
const newId = () => {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

type RunBody = z.input<AdminRoutes['run']['body']>

const EMPTY = {
  by: 'hosts' as 'hosts' | 'labels' | 'all',
  hosts: [] as string[],
  labels: '',
  mode: 'program' as 'program' | 'shell',
  line: '',
  script: '',
  timeoutS: 3600,
  concurrency: '' as number | '',
  batch: '',
  stopAfter: '' as number | '',
}
type Draft = typeof EMPTY

/** A run as the server takes it; or what is wrong with the words. */
export function runBodyOf(draft: Draft): RunBody | string {
  const words = draft.mode === 'shell' ? ['sh', '-c', draft.script] : splitWords(draft.line)
  if (words === undefined) return t('run.quoteOpen')
  const [program, ...args] = words
  if (!program || (draft.mode === 'shell' && draft.script.trim() === '')) return t('run.nothing')
  const limits = {
    ...(draft.concurrency !== '' && { concurrency: Number(draft.concurrency) }),
    ...(draft.batch.trim() && {
      batch: /^\d+$/.test(draft.batch.trim()) ? Number(draft.batch) : draft.batch.trim(),
    }),
    ...(draft.stopAfter !== '' && { stopAfterFailures: Number(draft.stopAfter) }),
  }
  return {
    ...targetOf(draft),
    program,
    args,
    timeoutMs: Math.round(draft.timeoutS * 1000),
    ...(Object.keys(limits).length > 0 && { limits }),
  } as RunBody
}

const targetOf = ({ by, hosts, labels }: Draft) =>
  by === 'all' ? { all: true as const } : by === 'labels' ? { labels: [labels.trim()] } : { hosts }

export function NewRunPage() {
  const search = useSearch({ from: '/inside/run' })
  const navigate = useNavigate()
  const mayPlan = useMay('schedules:write')
  const [draft, change, forget] = useDraft('run', EMPTY)
  const [error, setError] = useState<unknown>()
  const [isWorking, setWorking] = useState(false)
  useFirstValues(search, change)
  const fields = error instanceof ApiError ? error.fields : {}
  // The same id for the same request, so that it is begun once however often it has to be sent.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another draft is another request
  const runId = useMemo(newId, [draft])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const body = runBodyOf(draft)
    if (typeof body === 'string') return setError(new Error(body))
    setWorking(true)
    setError(undefined)
    try {
      const accepted = await call('run', { body: { ...body, runId } })
      forget()
      await navigate({ to: '/runs/$id', params: { id: accepted.runId } })
    } catch (failure) {
      setError(failure)
    } finally {
      setWorking(false)
    }
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack maw={920}>
        <PageHeader title={t('run.title')} />
        <Paper withBorder p="md">
          <Stack gap="sm">
            <Text fw={600}>{t('run.where')}</Text>
            <SegmentedControl
              w="fit-content"
              aria-label={t('run.where')}
              value={draft.by}
              onChange={(by) => change({ by: by as Draft['by'] })}
              data={[
                { value: 'hosts', label: t('run.hosts') },
                { value: 'labels', label: t('run.labels') },
                { value: 'all', label: t('run.all') },
              ]}
            />
            {draft.by === 'hosts' && (
              <HostsInput value={draft.hosts} onChange={(hosts) => change({ hosts })} error={fields.hosts} />
            )}
            {draft.by === 'labels' && (
              <TextInput
                label={t('run.selector')}
                description={t('run.selectorHint')}
                placeholder="env=prod,zone in (a,b)"
                value={draft.labels}
                error={fields.labels ?? fields['labels.0']}
                onChange={(event) => change({ labels: event.currentTarget.value })}
              />
            )}
            <Preview draft={draft} />
          </Stack>
        </Paper>
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
                ff="monospace"
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
        {error !== undefined && (
          <Alert color="red" role="alert">
            {messageOf(error)}
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={isWorking}>
            {t('run.submit')}
          </Button>
          {mayPlan && <Save draft={draft} onError={setError} />}
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
    const isShell = command.program === 'sh' && command.args[0] === '-c' && command.args.length === 2
    change({
      by: 'hosts',
      hosts: [command.host.name],
      timeoutS: command.timeoutMs / 1000,
      ...(isShell
        ? { mode: 'shell', script: command.args[1] ?? '' }
        : { mode: 'program', line: commandLine(command.program, command.args) }),
    })
  }, [search.hosts, search.labels, command])
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
function Preview({ draft }: { draft: Draft }) {
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

/** Under a name, to be run again; and by the clock, where a cron expression is given too. */
function Save({ draft, onError }: { draft: Draft; onError(error: unknown): void }) {
  const [name, setName] = useState('')
  const [cron, setCron] = useState('')
  const [isOpen, setOpen] = useState(false)
  if (!isOpen)
    return (
      <Button variant="default" onClick={() => setOpen(true)}>
        {t('run.save')}
      </Button>
    )
  const save = async () => {
    const body = runBodyOf(draft)
    if (typeof body === 'string') return onError(new Error(body))
    const { program, args, timeoutMs, limits, hosts, labels, all } = body
    const target = { ...(hosts && { hosts }), ...(labels && { labels }), ...(all && { all }) }
    try {
      await call('addSavedCommand', {
        body: { name, program, args, timeoutMs, target, ...(limits && { limits }) },
      })
      if (cron)
        await call('addSchedule', {
          body: {
            name,
            cron,
            timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
            savedCommand: name,
          },
        })
      notifications.show({ color: 'green', message: t('run.saved', { name }) })
      setOpen(false)
    } catch (error) {
      onError(error)
    }
  }
  return (
    <Group gap="xs" align="flex-end">
      <TextInput
        label={t('run.saveName')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label={t('run.cron')}
        placeholder="30 2 * * *"
        value={cron}
        onChange={(event) => setCron(event.currentTarget.value)}
      />
      <Button variant="default" disabled={!name} onClick={save}>
        {t('run.save')}
      </Button>
    </Group>
  )
}
