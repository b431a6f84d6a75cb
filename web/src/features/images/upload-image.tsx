import { FileInput, Progress, SimpleGrid, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { uploadFile } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { AddForm } from '../../ui/resource-form.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'

const NOTHING = { file: null as File | null, ref: '' }

/** Sends an archive of images to the server, and shows how much of it is there. */
export function UploadImage() {
  const [share, setShare] = useState(0)
  const upload = useRequestForm({
    initialValues: NOTHING,
    check: ({ file }): Record<string, string> => (file ? {} : { file: t('files.noFile') }),
    send: ({ file, ref }) => {
      setShare(0)
      const query = ref.trim() === '' ? {} : { ref: ref.trim() }
      return uploadFile('addImages', file as File, setShare, { query })
    },
    invalidates: ['listImages'],
    onSent: ({ images }) =>
      notifications.show({
        message: t('images.uploaded', { names: images.map(({ name }) => name).join(', ') }),
      }),
  })
  const { getInputProps } = upload.form
  return (
    <AddForm title={t('images.upload')} form={upload}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <FileInput
          label={t('images.archive')}
          description={t('images.archiveHint')}
          placeholder={t('files.choose')}
          clearable
          {...getInputProps('file')}
        />
        <TextInput
          label={t('images.name')}
          description={t('images.nameHint')}
          placeholder="registry.lan/shop/web:2.4"
          spellCheck={false}
          {...getInputProps('ref')}
        />
      </SimpleGrid>
      {upload.isPending && <Progress value={share * 100} aria-label={t('images.uploading')} />}
    </AddForm>
  )
}
