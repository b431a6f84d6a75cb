import { Alert } from '@mantine/core'
import { InvalidRequestError } from '@rollcall/contracts/client'
import { useState } from 'react'
import { ApiError } from '../api/client.ts'
import { type Failure, faultsOf, type Places, toError } from './form-faults.ts'
import { toMessage } from './states.tsx'

/**
 * Something that is tried with what stands in a form: whether it is under way, and what was wrong with it the last time. Neither
 * outlives its cause: `places` says which of the `values` a fault of the request is about, and it is gone when that is changed.
 */
export function useAttempt<V extends object>(values: V = {} as V, places: Places = {}) {
  const [failure, setFailure] = useState<Failure<V>>()
  const [isWorking, setWorking] = useState(false)
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    setWorking(true)
    setFailure(undefined)
    try {
      await act()
    } catch (error) {
      setFailure({ error, values })
    } finally {
      setWorking(false)
    }
  }
  return {
    attempt,
    isWorking,
    /** Of what no field shows. */
    error: toError(failure, values, places),
    /** By the name of the request's field. */
    fields: faultsOf(failure, values, places),
    /** Of what went wrong last, until it is tried again. */
    code: failure?.error instanceof ApiError ? failure.error.code : undefined,
    setError: (error: unknown) => setFailure(error === undefined ? undefined : { error, values }),
    /** Says what is wrong before anything is sent. */
    refuse: (fields: Record<string, string>) =>
      setFailure({
        error: new InvalidRequestError(
          Object.entries(fields).map(([field, message]) => ({ field, message })),
        ),
        values,
      }),
  }
}

export const FormError = ({ error }: { error: unknown }) =>
  error === undefined ? null : (
    <Alert color="red" role="alert">
      {toMessage(error)}
    </Alert>
  )
