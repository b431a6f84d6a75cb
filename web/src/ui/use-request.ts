import { notifications } from '@mantine/notifications'
import type { AdminRouteName } from '@rollcall/contracts/admin'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { answerKey } from '../api/use-answer.ts'
import { toMessage } from './states.tsx'

interface Options<R> {
  /** Routes whose answers the request changes: they are read again. */
  invalidates?: readonly AdminRouteName[]
  onSent?(answer: R): unknown
  /** Shows a failure on the page until somebody has read it, where nothing else shows `error`. */
  isFailureShown?: boolean
}

/** Returns a mutation for what a button or a switch asks for. It is pending until `onSent` and all that it changes are through. */
export function useRequest<V = void, R = unknown>(
  send: (values: V) => Promise<R>,
  { invalidates = [], onSent, isFailureShown = false }: Options<R> = {},
) {
  const client = useQueryClient()
  return useMutation<R, Error, V>({
    mutationFn: send,
    // A browser that takes itself for offline would wait without a word.
    networkMode: 'always',
    onSuccess: async (answer) => {
      await Promise.all(invalidates.map((name) => client.invalidateQueries({ queryKey: answerKey(name) })))
      await onSent?.(answer)
    },
    onError: (error) => {
      if (isFailureShown)
        notifications.show({ color: 'red', autoClose: false, message: toMessage(error), role: 'alert' })
    },
  })
}
