import { Button, Group, NumberInput, Paper, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import type { NewUpgradeInput } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { type Answer, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { NO_TARGET, targetOf } from '../targets/target.ts'
import { TargetFields } from '../targets/target-fields.tsx'
import { RingPicture } from './ring-picture.tsx'

const EMPTY = {
  ...NO_TARGET,
  by: 'all' as 'hosts' | 'labels' | 'all',
  version: null as string | null,
  canary: 1,
  batch: '25%',
  gateS: 5,
  stopAfter: 1,
}

/** Where faults of the request are shown. */
const PLACES = {
  hosts: 'hosts',
  labels: 'labels',
  all: 'by',
  version: 'version',
  'rings.canary': 'canary',
  'rings.batch': 'batch',
  'rings.gateMs': 'gateS',
  'rings.stopAfterFailures': 'stopAfter',
} as const

function toBody(draft: typeof EMPTY): NewUpgradeInput {
  const batch = draft.batch.trim()
  return {
    ...targetOf(draft),
    ...(draft.version && { version: draft.version }),
    rings: {
      canary: draft.canary,
      batch: /^\d+$/.test(batch) ? Number(batch) : batch,
      gateMs: Math.round(draft.gateS * 1000),
      stopAfterFailures: draft.stopAfter,
    },
  }
}

/** First what would be done is shown, ring by ring; then it can be begun. */
export function NewUpgradePage() {
  const navigate = useNavigate()
  const [draft, setDraft, forget] = useDraft('upgrade', EMPTY)
  const [plan, setPlan] = useState<Answer<'planUpgrade'>>()
  const { attempt, isWorking, error, fields } = useAttempt(draft, PLACES)
  const change = (next: Partial<typeof EMPTY>) => {
    // What was shown is no longer what would be done.
    setPlan(undefined)
    setDraft(next)
  }
  const show = (event: FormEvent) => {
    event.preventDefault()
    void attempt(async () => setPlan(await call('planUpgrade', { body: toBody(draft) })))
  }
  const begin = () =>
    attempt(async () => {
      const { upgrade } = await call('startUpgrade', { body: toBody(draft) })
      forget()
      await navigate({ to: '/upgrades/$id', params: { id: upgrade.id } })
    })
  return (
    <form onSubmit={show} noValidate>
      <Stack maw={920}>
        <PageHeader title={t('upgrades.new')} below={<Text size="sm">{t('upgrades.newText')}</Text>} />
        <TargetFields target={draft} onChange={change} fields={fields} />
        <Paper withBorder p="md">
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            <ReleaseChoice
              value={draft.version}
              onChange={(version) => change({ version })}
              error={fields.version}
            />
            <NumberInput
              label={t('upgrades.canaryHosts')}
              value={draft.canary}
              min={0}
              error={fields['rings.canary']}
              onChange={(value) => change({ canary: Number(value) })}
            />
            <TextInput
              label={t('upgrades.batch')}
              value={draft.batch}
              placeholder="10, 25%"
              error={fields['rings.batch']}
              onChange={(event) => change({ batch: event.currentTarget.value })}
            />
            <NumberInput
              label={t('upgrades.gate')}
              value={draft.gateS}
              min={0}
              error={fields['rings.gateMs']}
              onChange={(value) => change({ gateS: Number(value) })}
            />
            <NumberInput
              label={t('upgrades.stopAfter')}
              value={draft.stopAfter}
              min={1}
              error={fields['rings.stopAfterFailures']}
              onChange={(value) => change({ stopAfter: Number(value) })}
            />
          </SimpleGrid>
        </Paper>
        <FormError error={error} />
        {plan && <Plan plan={plan} />}
        <Group>
          <Button type="submit" variant={plan ? 'default' : 'filled'} loading={isWorking}>
            {t('upgrades.plan')}
          </Button>
          {plan && plan.rings.length > 0 && (
            <Button onClick={begin} loading={isWorking}>
              {t('upgrades.begin', { version: plan.version })}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}

function ReleaseChoice(props: {
  value: string | null
  onChange(version: string | null): void
  error: string | undefined
}) {
  const { data } = useQuery({
    queryKey: ['releases'],
    queryFn: ({ signal }) => call('listReleases', {}, signal),
  })
  const versions = [...new Set((data?.releases ?? []).map(({ version }) => version))]
  return (
    <Select
      label={t('upgrades.release')}
      placeholder={t('upgrades.own')}
      clearable
      data={versions}
      value={props.value}
      onChange={props.onChange}
      error={props.error}
    />
  )
}

function Plan({ plan }: { plan: Answer<'planUpgrade'> }) {
  const hosts = plan.rings.flatMap(({ ring, hosts }) =>
    hosts.map((name) => ({ name, ring, state: 'waiting' as const })),
  )
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text fw={600}>
          {hosts.length > 0 ? t('upgrades.to', { version: plan.version }) : t('upgrades.nothing')}
        </Text>
        {hosts.length > 0 && <RingPicture hosts={hosts} />}
        {plan.current.length > 0 && (
          <Text size="sm">
            {t('upgrades.current', {
              count: plan.current.length,
              hosts: plan.current.slice(0, 20).join(', '),
            })}
          </Text>
        )}
        {plan.skipped.length > 0 && (
          <Text size="sm" c="dimmed">
            {t('run.skipped', {
              hosts: plan.skipped
                .slice(0, 20)
                .map(({ host, reason }) => `${host} (${reason})`)
                .join(', '),
            })}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}
