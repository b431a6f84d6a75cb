import { Button, Group, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useEffect, useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { FormError } from '../../ui/resource-form.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { type Draft, toRunBody } from './run-draft.ts'

/** Draws the button that saves a run under a name, and by the clock where a cron expression is given too. */
export function SaveRun(props: { draft: Draft; envText: string }) {
  const [isOpen, setOpen] = useState(false)
  return isOpen ? (
    <SaveFields {...props} onSaved={() => setOpen(false)} />
  ) : (
    <Button variant="default" onClick={() => setOpen(true)}>
      {t('run.save')}
    </Button>
  )
}

function SaveFields(props: { draft: Draft; envText: string; onSaved(): void }) {
  const { draft, envText, onSaved } = props
  const saved = useRequestForm({
    initialValues: { name: '', cron: '' },
    fieldNames: { savedCommand: 'name' },
    send: async ({ name, cron }) => {
      await save(name, draft, envText)
      if (cron) await plan(name, cron)
      return name
    },
    onSent: (name) => {
      notifications.show({ color: 'green', message: t('run.saved', { name }) })
      onSaved()
    },
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was wrong with another run is not wrong with this
  useEffect(() => saved.clearError(), [draft, envText])
  const { getInputProps, values } = saved.form
  return (
    <Group gap="xs" align="flex-start">
      <TextInput label={t('run.saveName')} {...getInputProps('name')} />
      <TextInput label={t('run.cron')} placeholder="30 2 * * *" {...getInputProps('cron')} />
      <Button
        variant="default"
        disabled={!values.name}
        loading={saved.isPending}
        mt={24}
        onClick={() => saved.submit()}
      >
        {t('run.save')}
      </Button>
      <FormError error={saved.error} />
    </Group>
  )
}

async function save(name: string, draft: Draft, envText: string): Promise<void> {
  const run = toRunBody(draft, envText)
  if (typeof run === 'string') throw new Error(run)
  // What the server alone knows cannot be handed to something that runs elsewhere later.
  if (run.envOf) throw new Error(t('run.envNotSaved', { names: draft.envNames.join(', ') }))
  const { program, args, env, cwd, timeoutMs, startWithinMs, limits, hosts, labels, all } = run
  const target = { hosts, labels, all }
  const body = { name, program, args, cwd, timeoutMs, startWithinMs, target, env, limits }
  await call('addSavedCommand', { body })
}

/** Plans a saved command by this browser's time zone. One that cannot be planned does not stay behind. */
async function plan(name: string, cron: string): Promise<void> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  try {
    await call('addSchedule', { body: { name, cron, timeZone, savedCommand: name } })
  } catch (error) {
    await call('removeSavedCommand', { params: { name } })
    throw error
  }
}
