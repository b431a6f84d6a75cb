import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { t } from '../../i18n/index.tsx'

type LabelChange = (labels: Record<string, string>) => Record<string, string>

interface Props {
  onClose(): void
  onApply(change: LabelChange): void
}

/** Sets a label of several hosts, or removes it. */
export function LabelDialog({ onClose, onApply }: Props) {
  const { getInputProps, values } = useForm({ initialValues: { key: '', value: '' } })
  const apply = (change: LabelChange) => () => {
    onApply(change)
    onClose()
  }
  return (
    <Modal opened onClose={onClose} title={t('bulk.label')} centered>
      <Stack>
        <TextInput label={t('label.key')} {...getInputProps('key')} />
        <TextInput label={t('label.value')} {...getInputProps('value')} />
        <Group justify="flex-end">
          <Button
            variant="default"
            disabled={!values.key}
            onClick={apply(({ [values.key]: _gone, ...rest }) => rest)}
          >
            {t('label.remove')}
          </Button>
          <Button
            disabled={!values.key}
            onClick={apply((labels) => ({ ...labels, [values.key]: values.value }))}
          >
            {t('label.set')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
