import { Progress, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { receiveFile } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { FormDialog } from '../../ui/resource-form.tsx'
import { saveAs } from '../../ui/save-as.ts'
import { useRequestForm } from '../../ui/use-request-form.ts'

/** Hands a file of a host to the browser, which saves it with its other downloads. */
export function FetchFile({ onClose }: { onClose(): void }) {
  const [share, setShare] = useState(0)
  const file = useRequestForm({
    initialValues: { host: '', path: '' },
    draft: 'fetch-file',
    check: ({ host, path }) => ({
      ...(host.trim() === '' && { host: t('files.noHost') }),
      ...(!path.startsWith('/') && { path: t('files.notAbsolute') }),
    }),
    send: async ({ host, path }) => {
      setShare(0)
      saveAs(await receiveFile(host.trim(), path, setShare), path.split('/').at(-1) ?? 'file')
    },
    isDone: () => false,
    onSent: onClose,
  })
  const { getInputProps } = file.form
  return (
    <FormDialog title={t('files.fetch')} form={file} submit={t('files.fetchSubmit')} onClose={onClose}>
      <Text size="sm">{t('files.fetchText')}</Text>
      <TextInput label={t('files.host')} spellCheck={false} data-autofocus {...getInputProps('host')} />
      <TextInput
        label={t('files.path')}
        placeholder="/var/log/syslog"
        spellCheck={false}
        {...getInputProps('path')}
      />
      {file.isPending && <Progress value={share * 100} aria-label={t('files.fetching')} />}
    </FormDialog>
  )
}
