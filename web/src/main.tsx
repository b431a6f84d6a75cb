// Before the router, which changes what it reads.
import './api/arrival.ts'
// Before the first schema is made.
import './api/no-eval.ts'
import '@fontsource-variable/inter/index.css'
import './ui/mantine.ts'
import './ui/blocks.css'
import './ui/ui.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { onSignedOut } from './api/client.ts'
import { queryClient } from './api/query-client.ts'
import { sessionQuery } from './api/session.ts'
import { startLanguage, useLanguage } from './i18n/index.tsx'
import { router } from './router.tsx'
import { theme } from './ui/theme.ts'

onSignedOut(() => {
  const session = queryClient.getQueryData(sessionQuery.queryKey)
  if (!session?.principal) return
  queryClient.setQueryData(sessionQuery.queryKey, { ...session, principal: null })
  void router.invalidate()
})

const RELOADED_AT = 'rollcall.reloaded-at'
const RELOAD_AGAIN_AFTER_MS = 60_000
// A server that was upgraded under an open page has parts of other names: the page is reloaded, but not over and over.
addEventListener('vite:preloadError', (event) => {
  if (Date.now() - Number(sessionStorage.getItem(RELOADED_AT)) < RELOAD_AGAIN_AFTER_MS) return
  event.preventDefault()
  sessionStorage.setItem(RELOADED_AT, String(Date.now()))
  location.reload()
})

/** Redraws everything when the language changes. */
function App() {
  const language = useLanguage()
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <RouterProvider key={language} router={router} />
      </QueryClientProvider>
    </MantineProvider>
  )
}

/** Time after which a waiting sign is drawn although the first page is not there, in milliseconds. */
const FIRST_PAGE_WAIT_MS = 500

/**
 * Draws once the first page is there: React would show the waiting sign for a third of a second to avoid flicker. No `await` at
 * the top level: the pages import this module, and each would wait for the other.
 */
async function start(): Promise<void> {
  await startLanguage()
  await Promise.race([router.load(), new Promise((resolve) => setTimeout(resolve, FIRST_PAGE_WAIT_MS))])
  createRoot(document.getElementById('root') as HTMLElement).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
void start()
