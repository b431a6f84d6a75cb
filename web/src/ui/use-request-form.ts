import { useForm } from '@mantine/form'
import type { AdminRouteName } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { DraftStore } from './drafts.ts'
import { type FieldNames, toFaults } from './faults.ts'
import { useRequest } from './use-request.ts'

interface Options<V extends object, R> {
  initialValues: V
  /** The form's fields by the request's, where they are named otherwise. */
  fieldNames?: FieldNames | ((values: V) => FieldNames)
  /** Returns what is wrong by field, before anything is sent. */
  check?(values: V): Record<string, string>
  send(values: V): Promise<R>
  invalidates?: readonly AdminRouteName[]
  onSent?(answer: R): unknown
  /** Tells whether the form starts over after this answer. By default it always does. */
  isDone?(answer: R): boolean
  /** Keeps what is typed under this name over reloads, apart from the fields that are `transient`: every secret is. */
  draft?: string
  transient?: readonly (keyof V)[]
  onChange?(values: V): void
}

/**
 * Returns a form and the request that it sends. What was wrong with a field is shown beside it until that field changes; what
 * concerns no field is `error` until anything changes.
 */
export function useRequestForm<V extends Record<string, unknown>, R>(options: Options<V, R>) {
  const { initialValues, fieldNames, check, invalidates = [] } = options
  const [drafts] = useState(() =>
    options.draft === undefined ? undefined : new DraftStore<V>(options.draft, options.transient ?? []),
  )
  const form = useForm<V>({
    initialValues: { ...initialValues, ...drafts?.read() },
    ...(check && { validate: check }),
    onValuesChange: (values) => {
      if (request.isError) request.reset()
      drafts?.write(values)
      options.onChange?.(values)
    },
  })
  const restart = () => {
    form.setValues(initialValues)
    drafts?.forget()
  }
  const request = useRequest(options.send, {
    invalidates,
    onSent: async (answer) => {
      if (options.isDone?.(answer) ?? true) restart()
      await options.onSent?.(answer)
    },
  })
  const toFormFaults = (error: unknown) =>
    toFaults(error, form.values, typeof fieldNames === 'function' ? fieldNames(form.values) : fieldNames)
  const submit = form.onSubmit((values) => {
    if (!request.isPending)
      request.mutate(values, { onError: (error) => form.setErrors(toFormFaults(error).fields) })
  })
  return {
    form,
    submit,
    /** Empties it, and forgets the draft. */
    restart,
    isPending: request.isPending,
    /** Forgets what went wrong, once its cause has gone elsewhere. */
    clearError: request.reset,
    /** The failure that no field shows. */
    error: request.error ? toFormFaults(request.error).rest : undefined,
    /** The failure as it was thrown. */
    failure: request.error,
  }
}

export type RequestForm = Pick<ReturnType<typeof useRequestForm>, 'submit' | 'isPending' | 'error'>
/** Binds an input to a field of a form. */
// biome-ignore lint/suspicious/noExplicitAny: what it returns depends on the input, as with the form library
export type InputProps = (field: string, options?: { type: 'checkbox' }) => any
