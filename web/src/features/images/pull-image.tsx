import { TextInput } from '@mantine/core'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { AddForm } from '../../ui/resource-form.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { newId } from '../runs/run-draft.ts'

/** Asks the server to pull an image from its registry. */
export function PullImage() {
  const pull = useRequestForm({
    initialValues: { ref: '' },
    send: ({ ref }) => call('pullImage', { body: { pullId: newId(), ref: ref.trim() } }),
    invalidates: ['listImagePulls'],
  })
  return (
    <AddForm title={t('images.pull')} form={pull}>
      <TextInput
        label={t('images.ref')}
        description={t('images.refHint')}
        placeholder="docker.io/library/nginx:1.27"
        maw={520}
        spellCheck={false}
        {...pull.form.getInputProps('ref')}
      />
    </AddForm>
  )
}
