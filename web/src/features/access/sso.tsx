import { Alert, Button } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { ARRIVAL } from '../../api/arrival.ts'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { toMessage } from '../../ui/states.tsx'

const NEXT = 'rollcall-sso-next'

/** Where somebody wanted to be before the provider was visited, told once; only ever a place of our own. */
export function placeAfterSso(): string | undefined {
  const next = sessionStorage.getItem(NEXT)
  sessionStorage.removeItem(NEXT)
  return next !== null && /^\/(?!\/)/.test(next) ? next : undefined
}

/** Leaves for the provider's own page. */
export function SsoButton({ name }: { name: string }) {
  const { next } = useSearch({ strict: false }) as { next?: string }
  const [isLeaving, setLeaving] = useState(false)
  const [error, setError] = useState<unknown>()
  const leave = async () => {
    setLeaving(true)
    setError(undefined)
    try {
      const { url } = await call('beginSso', {})
      if (next === undefined) sessionStorage.removeItem(NEXT)
      else sessionStorage.setItem(NEXT, next)
      location.assign(url)
    } catch (failure) {
      setError(failure)
      setLeaving(false)
    }
  }
  return (
    <>
      {error !== undefined && (
        <Alert color="red" role="alert">
          {toMessage(error)}
        </Alert>
      )}
      <Button variant="default" type="button" loading={isLeaving} onClick={() => void leave()}>
        {t('signIn.with', { name })}
      </Button>
    </>
  )
}

/** Signs in with what the provider has put into the address of this page, once: a code is good for one time. */
export function useSsoReturn(entered: () => Promise<void>): { needsTotp: boolean; error: unknown } {
  const [needsTotp, setNeedsTotp] = useState(false)
  const [error, setError] = useState<unknown>()
  const isSent = useRef(false)
  useEffect(() => {
    if (isSent.current) return
    isSent.current = true
    // The code is in no history and in no bookmark.
    history.replaceState(null, '', location.pathname)
    const finish = async () => {
      const { needsTotp } = await call('finishSso', { body: { callback: ARRIVAL } })
      if (needsTotp) setNeedsTotp(true)
      else await entered()
    }
    finish().catch(setError)
  }, [entered])
  return { needsTotp, error }
}
