import { MantineProvider } from '@mantine/core'
import type { Permission } from '@rollcall/contracts/admin'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from '@tanstack/react-router'
import { cleanup, configure, render, screen } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import type { ReactNode } from 'react'
import { onTestFinished, vi } from 'vitest'
import { sessionQuery } from '../api/session.ts'

// To find out what is hidden takes longer than all else together, and no spec hides what it looks for. What a busy machine takes long for still comes.
configure({ defaultHidden: true, asyncUtilTimeout: 10_000 })

type Handler = (request: { path: string; body: unknown }) => unknown
/** An answer that is no success. */
export const refusal = (status: number, code: string, message: string, fields: Record<string, string> = {}) =>
  new Response(
    JSON.stringify({
      error: {
        code,
        kind: 'rejected',
        message,
        fields: Object.entries(fields).map(([field, why]) => ({ field, message: why })),
      },
    }),
    { status },
  )

/** The answer of a route that has begun something. */
export const accepted = (answer: object) => new Response(JSON.stringify(answer), { status: 202 })

/** Answers the requests of a component by `METHOD /path`. Returns those that were made, in order. */
export function serve(handlers: Readonly<Record<string, Handler>>): { route: string; body: unknown }[] {
  const made: { route: string; body: unknown }[] = []
  onTestFinished(() => void vi.unstubAllGlobals())
  vi.stubGlobal('fetch', async (address: string, init: RequestInit = {}) => {
    const path = address.split('?')[0] ?? ''
    const route = `${init.method ?? 'GET'} ${path}`
    const body = init.body === undefined ? undefined : JSON.parse(String(init.body))
    made.push({ route, body })
    const handler = handlers[route]
    if (!handler) throw new Error(`nothing answers ${route}`)
    const answer = await handler({ path: address, body })
    return answer instanceof Response ? answer : new Response(JSON.stringify(answer))
  })
  return made
}

/** Draws a component as a page of somebody with these permissions. */
export async function draw(element: ReactNode, permissions: Permission[] = []) {
  onTestFinished(() => {
    cleanup()
    sessionStorage.clear()
  })
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  client.setQueryData(sessionQuery.queryKey, {
    principal: {
      kind: 'user',
      id: '',
      name: 'Ada',
      email: 'ada@example.com',
      role: 'admin',
      scope: null,
      permissions,
    },
    isSetupNeeded: false,
    hasTotp: false,
    ssoName: null,
    version: '1.0.0',
  } as never)
  const root = createRootRoute()
  const page = createRoute({ getParentRoute: () => root, path: '/', component: () => element })
  const rest = createRoute({ getParentRoute: () => root, path: '$', component: () => null })
  const router = createRouter({ routeTree: root.addChildren([page, rest]), history: createMemoryHistory() })
  await router.load()
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  )
  return { user: userEvent.setup({ delay: null }), screen, router }
}
