import { Alert } from '@mantine/core'
import { useState } from 'react'
import { ApiError } from '../api/client.ts'
import { messageOf } from './states.tsx'

/** Something that is tried: whether it is under way, and what was wrong with it the last time. */
export function useAttempt() {
  const [error, setError] = useState<unknown>()
  const [isWorking, setWorking] = useState(false)
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    setWorking(true)
    setError(undefined)
    try {
      await act()
    } catch (failure) {
      setError(failure)
    } finally {
      setWorking(false)
    }
  }
  /** What the server said is wrong with which field. */
  const fields: Record<string, string> = error instanceof ApiError ? error.fields : {}
  return { attempt, isWorking, error, setError, fields }
}

export const FormError = ({ error }: { error: unknown }) =>
  error === undefined ? null : (
    <Alert color="red" role="alert">
      {messageOf(error)}
    </Alert>
  )
