import { Checkbox, Stack, Textarea } from '@mantine/core'
import type { PlanFault, ServicePlanAnswer } from '@rollcall/contracts/admin'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { ResourceForm } from '../../ui/resource-form.tsx'
import { CODE_INPUT } from '../../ui/theme.ts'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { NamedFiles } from './named-files.tsx'
import { PlanEditor, toOffset } from './plan-editor.tsx'
import { PlanFaults, TakenOtherwise } from './plan-faults.tsx'
import { PlanView } from './plan-view.tsx'
import { type NamedFile, useReading } from './use-reading.ts'

interface Props {
  /** Under which name the draft is kept. */
  source: string
  text: string
  files: readonly NamedFile[]
  /** Lines `NAME=value`. */
  variables?: string
}

interface Draft extends Record<string, unknown> {
  text: string
  variables: string
  files: NamedFile[]
  prune: boolean
  newerImages: boolean
}

/** Takes a service file, says what is wrong with it as it is typed, and plans it. */
export function PlanForm({ source, text, files, variables = '' }: Props) {
  const navigate = useNavigate()
  const editor = useRef<HTMLTextAreaElement>(null)
  const [answer, setAnswer] = useState<ServicePlanAnswer>()
  const plan = useRequestForm<Draft, ServicePlanAnswer>({
    initialValues: { text, variables, files: [...files], prune: false, newerImages: false },
    draft: `service-plan.${source}`,
    // Values of variables are often secrets.
    transient: ['variables', 'files'],
    send: planDraft,
    isDone: () => false,
    onChange: () => setAnswer(undefined),
    onSent: setAnswer,
  })
  const { values, setFieldValue, getInputProps } = plan.form
  const reading = useReading(values.text, values.variables, values.files)
  // The server's faults are those of its fleet and its images, and hold until the file changes.
  const faults = answer?.faults.length ? answer.faults : (reading?.faults ?? [])
  const goTo = ({ line, column }: PlanFault) => {
    const at = toOffset(values.text, line, column)
    editor.current?.focus()
    editor.current?.setSelectionRange(at, at)
  }
  const onApplied = () => {
    plan.restart()
    return navigate({ to: '/services' })
  }
  return (
    <Stack>
      <ResourceForm
        form={plan}
        submit={t('plan.submit')}
        isDisabled={values.text.trim() === '' || faults.length > 0}
      >
        <PlanEditor
          value={values.text}
          onChange={(next) => setFieldValue('text', next)}
          faults={faults}
          inputRef={editor}
        />
        <PlanFaults faults={faults} onGo={goTo} />
        <TakenOtherwise keys={reading?.keys ?? []} />
        <NamedFiles
          paths={reading?.paths ?? []}
          files={values.files}
          onChange={(next) => setFieldValue('files', next)}
        />
        <Textarea
          label={t('plan.variables')}
          description={t('plan.variablesHint')}
          rows={3}
          maw={640}
          placeholder="TAG=2.4"
          autoComplete="off"
          {...CODE_INPUT}
          {...getInputProps('variables')}
        />
        <Checkbox
          label={t('plan.prune')}
          description={t('plan.pruneHint')}
          {...getInputProps('prune', { type: 'checkbox' })}
        />
        <Checkbox
          label={t('plan.newerImages')}
          description={t('plan.newerImagesHint')}
          {...getInputProps('newerImages', { type: 'checkbox' })}
        />
      </ResourceForm>
      {answer?.plan && <PlanView plan={answer.plan} onApplied={onApplied} />}
    </Stack>
  )
}

async function planDraft(draft: Draft): Promise<ServicePlanAnswer> {
  const { text, variables, files, prune, newerImages } = draft
  const { readEnvFile } = await import('@rollcall/compose')
  const { variables: given, faults } = readEnvFile(variables)
  const [wrong] = faults
  if (wrong) throw new Error(t('plan.variableUnread', { line: wrong.line, reason: wrong.reason }))
  const body = { text, variables: Object.fromEntries(given), files, prune, newerImages }
  return call('planServices', { body })
}
