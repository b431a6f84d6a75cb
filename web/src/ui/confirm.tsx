import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { AdminRouteName } from '@rollcall/contracts/admin'
import { type ReactNode, useState } from 'react'
import { t } from '../i18n/index.tsx'
import { Failure } from './resource-form.tsx'
import { useRequest } from './use-request.ts'

interface Props<R> {
  label?: string
  title: string
  explanation: ReactNode
  /** The button in the dialog, if it says something else. */
  confirm?: string
  send(): Promise<R>
  invalidates?: readonly AdminRouteName[]
  onSent?(answer: R): unknown
  color?: string
  size?: string
}

/** Draws a button that says what will happen, and asks, before it sends a request. A failure is shown in the dialog. */
export function ConfirmButton<R>({ label = t('remove'), color = 'red', size = 'xs', ...props }: Props<R>) {
  const [isOpen, setOpen] = useState(false)
  const close = () => {
    setOpen(false)
    request.reset()
  }
  const request = useRequest(props.send, {
    invalidates: props.invalidates ?? [],
    onSent: async (answer) => {
      await props.onSent?.(answer)
      setOpen(false)
    },
  })
  return (
    <>
      <Button variant="default" size={size} onClick={() => setOpen(true)}>
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={props.title} centered>
        <Stack>
          <Text size="sm" component="div">
            {props.explanation}
          </Text>
          <Failure error={request.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('cancel')}
            </Button>
            <Button color={color} loading={request.isPending} onClick={() => request.mutate()}>
              {props.confirm ?? label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
