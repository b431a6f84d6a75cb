import { Button, NumberInput, Paper, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import type { NewUpgradeInput } from '@rollcall/contracts/admin'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Answer, call } from '../../api/client.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { FormError, ResourceForm } from '../../ui/resource-form.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { type InputProps, useRequestForm } from '../../ui/use-request-form.ts'
import { SkippedHosts } from '../targets/skipped-hosts.tsx'
import { NO_TARGET, toTarget } from '../targets/target.ts'
import { TargetFields } from '../targets/target-fields.tsx'
import { RingPicture } from './ring-picture.tsx'

const EMPTY = {
  ...NO_TARGET,
  by: 'all' as 'hosts' | 'labels' | 'all',
  version: null as string | null,
  canary: 1 as number | string,
  batch: '25%',
  gateS: 5 as number | string,
  stopAfter: 1 as number | string,
}

/** The form's fields by those of the request. */
const FIELD_NAMES = {
  'rings.canary': 'canary',
  'rings.batch': 'batch',
  'rings.gateMs': 'gateS',
  'rings.stopAfterFailures': 'stopAfter',
}

function toBody(values: typeof EMPTY): NewUpgradeInput {
  const batch = values.batch.trim()
  return {
    ...toTarget(values),
    ...(values.version && { version: values.version }),
    rings: {
      canary: Number(values.canary),
      batch: /^\d+$/.test(batch) ? Number(batch) : batch,
      gateMs: Math.round(Number(values.gateS) * 1000),
      stopAfterFailures: Number(values.stopAfter),
    },
  }
}

export const page = {
  path: '/upgrades/new',
  needs: 'upgrades:write',
} satisfies PageEntry

/** Shows what would be done, ring by ring, before it can be started. */
export default function NewUpgradePage() {
  const navigate = useNavigate()
  const [plan, setPlan] = useState<Answer<'planUpgrade'>>()
  const planned = useRequestForm({
    initialValues: EMPTY,
    fieldNames: FIELD_NAMES,
    draft: 'upgrade',
    send: (values) => call('planUpgrade', { body: toBody(values) }),
    isDone: () => false,
    onSent: setPlan,
    // What was shown is no longer what would be done.
    onChange: () => setPlan(undefined),
  })
  const { getInputProps, values } = planned.form
  const start = useRequest(() => call('startUpgrade', { body: toBody(values) }), {
    onSent: async ({ upgrade: { id } }) => {
      planned.restart()
      await navigate({ to: '/upgrades/$id', params: { id } })
    },
  })
  return (
    <Stack maw={920}>
      <PageHeader title={t('upgrades.new')} below={<Text size="sm">{t('upgrades.newText')}</Text>} />
      <ResourceForm
        form={planned}
        submit={t('upgrades.plan')}
        more={
          plan &&
          plan.rings.length > 0 && (
            <Button onClick={() => start.mutate()} loading={start.isPending}>
              {t('upgrades.begin', { version: plan.version })}
            </Button>
          )
        }
      >
        <TargetFields target={values} inputProps={getInputProps} />
        <RingFields inputProps={getInputProps} />
        <FormError error={start.error} />
        {plan && <Plan plan={plan} />}
      </ResourceForm>
    </Stack>
  )
}

function RingFields({ inputProps }: { inputProps: InputProps }) {
  const { data } = useAnswer('listReleases', {})
  const versions = [...new Set((data?.releases ?? []).map(({ version }) => version))]
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        <Select
          label={t('upgrades.release')}
          placeholder={t('upgrades.own')}
          clearable
          data={versions}
          {...inputProps('version')}
        />
        <NumberInput label={t('upgrades.canaryHosts')} min={0} {...inputProps('canary')} />
        <TextInput label={t('upgrades.batch')} placeholder="10, 25%" {...inputProps('batch')} />
        <NumberInput label={t('upgrades.gate')} min={0} {...inputProps('gateS')} />
        <NumberInput label={t('upgrades.stopAfter')} min={1} {...inputProps('stopAfter')} />
      </SimpleGrid>
    </Paper>
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
        <SkippedHosts skipped={plan.skipped} />
      </Stack>
    </Paper>
  )
}
