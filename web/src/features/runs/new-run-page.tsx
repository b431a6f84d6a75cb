import { Stack } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { FormError, ResourceForm } from '../../ui/resource-form.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { TargetFields } from '../targets/target-fields.tsx'
import { EMPTY, faultsIn, newId, runFieldNames, toRunBody } from './run-draft.ts'
import { EnvironmentFields, LimitFields, ProgramFields } from './run-fields.tsx'
import { SaveRun } from './save-run.tsx'
import { useFirstValues } from './use-first-values.ts'

export const page = {
  path: '/run',
  needs: 'commands:run',
  search: ['hosts', 'labels', 'from', 'again'],
  nav: { label: 'nav.run', icon: 'run', place: 2 },
} satisfies PageEntry

export default function NewRunPage() {
  const search = useSearch({ from: '/inside/run' })
  const navigate = useNavigate()
  const mayPlan = useMay('schedules:write')
  // The same id for the same request, so that it is begun once however often it has to be sent.
  const [runId, setRunId] = useState(newId)
  const run = useRequestForm({
    initialValues: { ...EMPTY, envText: '' },
    fieldNames: runFieldNames,
    draft: 'run',
    transient: ['envText'],
    check: faultsIn,
    onChange: () => setRunId(newId()),
    send: ({ envText, ...draft }) => {
      const body = toRunBody(draft, envText)
      if (typeof body === 'string') throw new Error(body)
      return call('run', { body: { ...body, runId } })
    },
    onSent: (accepted) => navigate({ to: '/runs/$id', params: { id: accepted.runId } }),
  })
  const { getInputProps, setValues, values } = run.form
  const firstError = useFirstValues(search, setValues)
  return (
    <Stack maw={920}>
      <PageHeader title={t('run.title')} />
      <ResourceForm
        form={run}
        submit={t('run.submit')}
        more={mayPlan && <SaveRun draft={values} envText={values.envText} />}
      >
        <TargetFields target={values} inputProps={getInputProps} />
        <ProgramFields draft={values} inputProps={getInputProps} />
        <EnvironmentFields
          draft={values}
          inputProps={getInputProps}
          onDrop={() => setValues({ envOf: null, envNames: [] })}
        />
        <LimitFields inputProps={getInputProps} />
        <FormError error={firstError} />
      </ResourceForm>
    </Stack>
  )
}
