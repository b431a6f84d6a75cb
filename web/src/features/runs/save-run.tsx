import { Button, Group, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { type Draft, runBodyOf } from './run-draft.ts'

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
  if (!isOpen)
    return (
      <Button variant="default" onClick={() => setOpen(true)}>
        {t('run.save')}
      </Button>
    )
  const save = async () => {
    const body = runBodyOf(draft, envText)
    if (typeof body === 'string') return onError(new Error(body))
    // What the server alone knows cannot be handed to something that runs elsewhere later.
    if (body.envOf) return onError(new Error(t('run.envNotSaved', { names: draft.envNames.join(', ') })))
    const { program, args, env, cwd, timeoutMs, startWithinMs, limits, hosts, labels, all } = body
    const target = { ...(hosts && { hosts }), ...(labels && { labels }), ...(all && { all }) }
    try {
      await call('addSavedCommand', {
        body: {
          ...{ name, program, args, cwd, timeoutMs, startWithinMs, target },
          ...(env && { env }),
          ...(limits && { limits }),
        },
      })
      if (cron) await plan(name, cron)
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
