import { Button, Group, Modal, Paper, Stack, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { messageOf } from '../../ui/states.tsx'

/** What is asked of the server at a time, so that a thousand hosts are no burst. */
const AT_ONCE = 8

/** Does the same for each; one that fails stops no other. Tells how it went. */
async function forEachHost(hosts: string[], act: (host: string) => Promise<unknown>): Promise<void> {
  const failures: string[] = []
  const queue = [...hosts]
  const work = async () => {
    for (let host = queue.shift(); host !== undefined; host = queue.shift())
      await act(host).catch((error) => failures.push(`${host}: ${messageOf(error)}`))
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, hosts.length) }, work))
  notifications.show({
    color: failures.length > 0 ? 'red' : 'green',
    autoClose: failures.length > 0 ? false : 4000,
    title: t('bulk.done', { done: hosts.length - failures.length, all: hosts.length }),
    message: failures.slice(0, 5).join('\n'),
  })
}

export function BulkActions({ hosts, onDone }: { hosts: string[]; onDone(): void }) {
  const mayRun = useMay('commands:run')
  const mayWrite = useMay('hosts:write')
  const navigate = useNavigate()
  const client = useQueryClient()
  const [isLabelling, setLabelling] = useState(false)
  const all = async (act: (host: string) => Promise<unknown>) => {
    await forEachHost(hosts, act)
    await client.invalidateQueries({ queryKey: ['agents'] })
    onDone()
  }
  return (
    <Paper withBorder p="xs" role="region" aria-label={t('bulk.title', { count: hosts.length })}>
      <Group gap="xs">
        <Text size="sm" fw={600}>
          {t('bulk.title', { count: hosts.length })}
        </Text>
        {mayRun && (
          <Button size="xs" onClick={() => navigate({ to: '/run', search: { hosts: hosts.join(',') } })}>
            {t('bulk.run')}
          </Button>
        )}
        {mayWrite && (
          <>
            <Button size="xs" variant="default" onClick={() => setLabelling(true)}>
              {t('bulk.label')}
            </Button>
            <ConfirmButton
              label={t('bulk.install')}
              title={t('bulk.installTitle', { count: hosts.length })}
              explanation={t('bulk.installText')}
              confirm={t('bulk.install')}
              color="cyan"
              onConfirm={() => all((host) => call('installHost', { params: { host } }))}
            />
            <ConfirmButton
              label={t('bulk.remove')}
              title={t('bulk.removeTitle', { count: hosts.length })}
              explanation={t('bulk.removeText', { hosts: hosts.slice(0, 20).join(', ') })}
              confirm={t('bulk.remove')}
              onConfirm={() =>
                all((host) => call('removeHost', { params: { host }, query: { forget: 'false' } }))
              }
            />
          </>
        )}
        <Button size="xs" variant="subtle" onClick={onDone}>
          {t('bulk.clear')}
        </Button>
      </Group>
      <LabelDialog
        isOpen={isLabelling}
        onClose={() => setLabelling(false)}
        onApply={(change) =>
          all(async (host) => {
            const { host: known } = await call('showHost', { params: { host } })
            await call('changeHost', {
              params: { host },
              body: { labels: change(known.labels), ifLabels: known.labels },
            })
          })
        }
      />
    </Paper>
  )
}

type LabelChange = (labels: Record<string, string>) => Record<string, string>

function LabelDialog(props: {
  isOpen: boolean
  onClose(): void
  onApply(change: LabelChange): Promise<void>
}) {
  const [key, setKey] = useState('')
  const [value, setValue] = useState('')
  const apply = async (change: LabelChange) => {
    await props.onApply(change)
    props.onClose()
  }
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={t('bulk.label')} centered>
      <Stack>
        <TextInput
          label={t('label.key')}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <TextInput
          label={t('label.value')}
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button
            variant="default"
            disabled={!key}
            onClick={() => apply(({ [key]: _gone, ...rest }) => rest)}
          >
            {t('label.remove')}
          </Button>
          <Button disabled={!key} onClick={() => apply((labels) => ({ ...labels, [key]: value }))}>
            {t('label.set')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
