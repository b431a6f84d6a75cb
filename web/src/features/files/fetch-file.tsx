import { Button, Group, Modal, Progress, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { receiveFile } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDraft } from '../../ui/use-draft.ts'

/** Hands a file of a host to the browser, which saves it where it saves what is downloaded. */
export function FetchFile({ onClose }: { onClose(): void }) {
  const [draft, change] = useDraft('fetch-file', { host: '', path: '' })
  const [share, setShare] = useState(0)
  const { attempt, isWorking, error, refuse, fields } = useAttempt(draft, { host: 'host', path: 'path' })
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const { host, path } = draft
    const found = {
      ...(host === '' && { host: t('files.noHost') }),
      ...(!path.startsWith('/') && { path: t('files.notAbsolute') }),
    }
    if (Object.keys(found).length > 0) return refuse(found)
    setShare(0)
    await attempt(async () => {
      save(await receiveFile(host, path, setShare), path.split('/').at(-1) ?? 'file')
      onClose()
    })
  }
  return (
    <Modal opened onClose={onClose} title={t('files.fetch')}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <Text size="sm">{t('files.fetchText')}</Text>
          <TextInput
            label={t('files.host')}
            value={draft.host}
            error={fields.host}
            spellCheck={false}
            data-autofocus
            onChange={(event) => change({ host: event.currentTarget.value.trim() })}
          />
          <TextInput
            label={t('files.path')}
            placeholder="/var/log/syslog"
            value={draft.path}
            error={fields.path}
            spellCheck={false}
            onChange={(event) => change({ path: event.currentTarget.value })}
          />
          <FormError error={error} />
          {isWorking && <Progress value={share * 100} aria-label={t('files.fetching')} />}
          <Group justify="flex-end">
            <Button type="submit" loading={isWorking}>
              {t('files.fetchSubmit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function save(content: Blob, name: string): void {
  // Of a kind of its own, or the browser puts .txt behind the name.
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }))
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  URL.revokeObjectURL(url)
}
