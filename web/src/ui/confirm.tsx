import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { t } from '../i18n/index.tsx'
import { toMessage } from './states.tsx'

/** A button that says what will happen, and asks, before it does it. */
export function ConfirmButton(props: {
  label: ReactNode
  title: string
  explanation: ReactNode
  confirm: string
  onConfirm(): Promise<unknown>
  color?: string
  size?: string
  disabled?: boolean
}) {
  const [isOpen, setOpen] = useState(false)
  const [isWorking, setWorking] = useState(false)
  const [failure, setFailure] = useState<string>()
  const act = async () => {
    setWorking(true)
    setFailure(undefined)
    try {
      await props.onConfirm()
      setOpen(false)
    } catch (error) {
      setFailure(toMessage(error))
    } finally {
      setWorking(false)
    }
  }
  return (
    <>
      <Button
        variant="default"
        size={props.size ?? 'xs'}
        disabled={props.disabled ?? false}
        onClick={() => setOpen(true)}
      >
        {props.label}
      </Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={props.title} centered>
        <Stack>
          <Text size="sm" component="div">
            {props.explanation}
          </Text>
          {failure && (
            <Text c="red" size="sm" role="alert">
              {failure}
            </Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setOpen(false)}>
              {t('cancel')}
            </Button>
            <Button color={props.color ?? 'red'} loading={isWorking} onClick={act}>
              {props.confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
