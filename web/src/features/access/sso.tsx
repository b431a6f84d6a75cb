import { Button } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { ARRIVAL } from '../../api/arrival.ts'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { FormError } from '../../ui/resource-form.tsx'
import { useRequest } from '../../ui/use-request.ts'

const NEXT = 'rollcall-sso-next'

/** Returns, once, the page that was asked for before the provider was visited. Never an address outside this site. */
export function placeAfterSso(): string | undefined {
  const next = sessionStorage.getItem(NEXT)
  sessionStorage.removeItem(NEXT)
  return next !== null && /^\/(?!\/)/.test(next) ? next : undefined
}

/** Draws the button that leaves for the provider's page. */
export function SsoButton({ name }: { name: string }) {
  const { next } = useSearch({ strict: false }) as { next?: string }
  const leave = useRequest(() => call('beginSso', {}), {
    onSent: ({ url }) => {
      if (next === undefined) sessionStorage.removeItem(NEXT)
      else sessionStorage.setItem(NEXT, next)
      location.assign(url)
    },
  })
  return (
    <>
      <FormError error={leave.error} />
      <Button
        variant="default"
        type="button"
        loading={leave.isPending || leave.isSuccess}
        onClick={() => leave.mutate()}
      >
        {t('signIn.with', { name })}
      </Button>
    </>
  )
}

/** Signs in with what the provider has put into this page's address, once: a code works one time. */
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
