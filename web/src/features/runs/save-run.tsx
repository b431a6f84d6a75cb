import { Button, Group, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { type Draft, toRunBody } from './run-draft.ts'

/** By the clock of whoever plans it. A saved command that cannot be planned does not stay behind. */
async function plan(name: string, cron: string): Promise<void> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  try {
    await call('addSchedule', { body: { name, cron, timeZone, savedCommand: name } })
  } catch (error) {
    await call('removeSavedCommand', { params: { name } })
    throw error
  }
}

/** Under a name, to be run again; and by the clock, where a cron expression is given too. */
export function SaveRun(props: { draft: Draft; envText: string; onError(error: unknown): void }) {
  const { draft, envText, onError } = props
  const [name, setName] = useState('')
  const [cron, setCron] = useState('')
  const [isOpen, setOpen] = useState(false)
  const { attempt, isWorking, error, fields } = useAttempt(
    { ...draft, envText, name, cron },
    { name: 'name', cron: 'cron', savedCommand: 'name' },
  )
  if (!isOpen)
    return (
      <Button variant="default" onClick={() => setOpen(true)}>
        {t('run.save')}
      </Button>
    )
  const save = async () => {
    const body = toRunBody(draft, envText)
    if (typeof body === 'string') return onError(new Error(body))
    // What the server alone knows cannot be handed to something that runs elsewhere later.
    if (body.envOf) return onError(new Error(t('run.envNotSaved', { names: draft.envNames.join(', ') })))
    const { program, args, env, cwd, timeoutMs, startWithinMs, limits, hosts, labels, all } = body
    const target = { ...(hosts && { hosts }), ...(labels && { labels }), ...(all && { all }) }
    // What was wrong before is not wrong with this.
    onError(undefined)
    await attempt(async () => {
      await call('addSavedCommand', {
        body: {
          name,
          program,
          args,
          cwd,
          timeoutMs,
          startWithinMs,
          target,
          ...(env && { env }),
          ...(limits && { limits }),
        },
      })
      if (cron) await plan(name, cron)
      notifications.show({ color: 'green', message: t('run.saved', { name }) })
      setOpen(false)
    })
  }
  return (
    <Group gap="xs" align="flex-start">
      <TextInput
        label={t('run.saveName')}
        value={name}
        error={fields.name ?? fields.savedCommand}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label={t('run.cron')}
        placeholder="30 2 * * *"
        value={cron}
        error={fields.cron}
        onChange={(event) => setCron(event.currentTarget.value)}
      />
      <Button variant="default" disabled={!name} loading={isWorking} mt={24} onClick={save}>
        {t('run.save')}
      </Button>
      <FormError error={error} />
    </Group>
  )
}
