import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { QueryKey } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { t } from '../i18n/index.tsx'
import { Failure } from './resource-form.tsx'
import { useRequest } from './use-request.ts'

interface Props<R> {
  label: ReactNode
  title: string
  explanation: ReactNode
  confirm: string
  send(): Promise<R>
  invalidates?: readonly QueryKey[]
  onSent?(answer: R): unknown
  color?: string
  size?: string
}

/** Draws a button that says what will happen, and asks, before it sends a request. A failure is shown in the dialog. */
export function ConfirmButton<R>({ color = 'red', size = 'xs', ...props }: Props<R>) {
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
        {props.label}
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
              {props.confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
