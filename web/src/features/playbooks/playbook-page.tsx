import { Button, Paper, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { type NewPlaybookRun, type PlaybookView, playbookVia } from '@rollcall/contracts/admin'
import { useNavigate, useParams } from '@tanstack/react-router'
import type { FormEvent } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { toFormFaults } from '../../ui/faults.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { ResourceForm } from '../../ui/resource-form.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { NO_TARGET, toTarget } from '../targets/target.ts'
import { TargetFields } from '../targets/target-fields.tsx'
import { VariableField } from './variable-fields.tsx'
import { givenOf, type Typed, variableField } from './variables.ts'

export const page = {
  path: '/playbooks/$playbook',
  needs: 'playbooks:read',
} satisfies PageEntry

export default function PlaybookPage() {
  const { playbook: name } = useParams({ from: '/inside/playbooks/$playbook' })
  const playbook = useAnswer('showPlaybook', { params: { playbook: name } })
  return <Loaded query={playbook}>{(data) => <PlaybookForm key={name} playbook={data.playbook} />}</Loaded>
}

function PlaybookForm({ playbook }: { playbook: PlaybookView }) {
  const { name, title, description, variables } = playbook
  const mayRun = useMay('playbooks:run')
  const navigate = useNavigate()
  const fieldNames = Object.fromEntries(
    variables.map((each) => [`variables.${each.name}`, variableField(each)]),
  )
  const run = useRequestForm({
    initialValues: {
      ...NO_TARGET,
      typed: {} as Typed,
      secrets: {} as Typed,
      via: 'auto' as NewPlaybookRun['via'],
      mode: 'plan' as 'run' | 'plan',
    },
    fieldNames,
    draft: `playbook.${name}`,
    transient: ['secrets', 'mode'],
    check: (values) =>
      toFormFaults(givenOf(variables, { ...values.typed, ...values.secrets }).faults, values, fieldNames),
    send: ({ typed, secrets, via, mode, ...target }) => {
      const { given } = givenOf(variables, { ...typed, ...secrets })
      return call('runPlaybook', {
        params: { playbook: name },
        body: { ...toTarget(target), mode, via, variables: given as NewPlaybookRun['variables'] },
      })
    },
    onSent: ({ runId }) => navigate({ to: '/runs/$id', params: { id: runId } }),
  })
  const { getInputProps, values } = run.form
  const submit = (mode: 'run' | 'plan') => (event?: FormEvent<HTMLFormElement>) => {
    run.form.setFieldValue('mode', mode)
    run.submit(event)
  }
  const fields = (
    <>
      <TargetFields target={values} inputProps={getInputProps} />
      <Paper withBorder p="md">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {variables.map((variable) => (
            <VariableField key={variable.name} variable={variable} inputProps={getInputProps} />
          ))}
        </SimpleGrid>
      </Paper>
      <Select
        label={t('playbooks.via')}
        description={t('playbooks.viaHint')}
        data={playbookVia.options.map((via) => ({ value: via, label: t(`playbooks.via.${via}`) }))}
        allowDeselect={false}
        {...getInputProps('via')}
      />
    </>
  )
  return (
    <Stack maw={920}>
      <PageHeader title={title} below={<Text size="sm">{description}</Text>} />
      {mayRun ? (
        <ResourceForm
          form={{ ...run, submit: submit('plan') }}
          submit={t('playbooks.plan')}
          more={<RunNow isPending={run.isPending} onRun={() => submit('run')()} />}
        >
          {fields}
        </ResourceForm>
      ) : (
        <>
          {fields}
          <Text size="sm" c="dimmed">
            {t('notYours.text', { permission: 'playbooks:run' })}
          </Text>
        </>
      )}
    </Stack>
  )
}

const RunNow = ({ isPending, onRun }: { isPending: boolean; onRun(): void }) => (
  <>
    <Button variant="default" disabled={isPending} onClick={onRun}>
      {t('playbooks.run')}
    </Button>
    <Text size="sm" c="dimmed">
      {t('playbooks.planHint')}
    </Text>
  </>
)
