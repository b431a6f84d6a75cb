import { Button, Group, Paper, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { type NewPlaybookRun, type PlaybookView, playbookVia } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { NO_TARGET, targetOf } from '../targets/target.ts'
import { TargetFields } from '../targets/target-fields.tsx'
import { VariableField } from './variable-fields.tsx'
import { givenOf, type Typed } from './variables.ts'

/** Each variable is a value of its own, named as faults of it are. */
const valuesOf = (variables: PlaybookView['variables'], typed: Typed): Record<string, unknown> =>
  Object.fromEntries(variables.map(({ name }) => [`variables.${name}`, typed[name] ?? '']))
const placesOf = (variables: PlaybookView['variables']): Record<string, string> => ({
  hosts: 'hosts',
  labels: 'labels',
  all: 'by',
  ...Object.fromEntries(variables.map(({ name }) => [`variables.${name}`, `variables.${name}`])),
})

export function PlaybookPage() {
  const { playbook } = useParams({ from: '/inside/playbooks/$playbook' })
  const { data, error } = useQuery({
    queryKey: ['playbook', playbook],
    queryFn: ({ signal }) => call('showPlaybook', { params: { playbook } }, signal),
  })
  if (blocks({ error, data })) return <ErrorState error={error} />
  return data ? <Form key={playbook} playbook={data.playbook} /> : <Waiting />
}

function Form({ playbook }: { playbook: PlaybookView }) {
  const { name, title, description, variables } = playbook
  const mayRun = useMay('playbooks:run')
  const navigate = useNavigate()
  const [draft, change, forget] = useDraft(`playbook.${name}`, {
    ...NO_TARGET,
    typed: {} as Typed,
    via: 'auto' as NewPlaybookRun['via'],
  })
  // Secrets are kept nowhere.
  const [secrets, setSecrets] = useState<Typed>({})
  const values: Record<string, unknown> = { ...draft, ...valuesOf(variables, { ...draft.typed, ...secrets }) }
  const { attempt, isWorking, error, refuse, fields } = useAttempt(values, placesOf(variables))
  const [mode, setMode] = useState<'run' | 'plan'>('plan')
  const send = async (mode: 'run' | 'plan') => {
    const { given, faults: found } = givenOf(variables, { ...draft.typed, ...secrets })
    if (Object.keys(found).length > 0) return refuse(found)
    setMode(mode)
    await attempt(async () => {
      const body = {
        ...targetOf(draft),
        mode,
        via: draft.via,
        variables: given as NewPlaybookRun['variables'],
      }
      const { runId } = await call('runPlaybook', { params: { playbook: name }, body })
      forget()
      await navigate({ to: '/runs/$id', params: { id: runId } })
    })
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void send('plan')
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack maw={920}>
        <PageHeader title={title} below={<Text size="sm">{description}</Text>} />
        <TargetFields target={draft} onChange={change} fields={fields} />
        <Paper withBorder p="md">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {variables.map((variable) => (
              <VariableField
                key={variable.name}
                variable={variable}
                value={(variable.isSecret ? secrets : draft.typed)[variable.name] ?? ''}
                error={fields[`variables.${variable.name}`]}
                onChange={(text) =>
                  variable.isSecret
                    ? setSecrets({ ...secrets, [variable.name]: text })
                    : change({ typed: { ...draft.typed, [variable.name]: text } })
                }
              />
            ))}
          </SimpleGrid>
        </Paper>
        <Select
          label={t('playbooks.via')}
          description={t('playbooks.viaHint')}
          data={playbookVia.options.map((via) => ({ value: via, label: t(`playbooks.via.${via}`) }))}
          value={draft.via}
          allowDeselect={false}
          onChange={(via) => via && change({ via: via as NewPlaybookRun['via'] })}
        />
        <FormError error={error} />
        {!mayRun && (
          <Text size="sm" c="dimmed">
            {t('notYours.text', { permission: 'playbooks:run' })}
          </Text>
        )}
        {mayRun && (
          <Group>
            <Button type="submit" loading={isWorking && mode === 'plan'} disabled={isWorking}>
              {t('playbooks.plan')}
            </Button>
            <Button
              variant="default"
              loading={isWorking && mode === 'run'}
              disabled={isWorking}
              onClick={() => send('run')}
            >
              {t('playbooks.run')}
            </Button>
            <Text size="sm" c="dimmed">
              {t('playbooks.planHint')}
            </Text>
          </Group>
        )}
      </Stack>
    </form>
  )
}
