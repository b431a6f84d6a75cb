import type { Permission } from '@rollcall/contracts/admin'
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import { call } from './client.ts'

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => call('session', {}, signal),
  staleTime: 60_000,
})

export const useSession = () => useSuspenseQuery(sessionQuery).data

/** Tells whether the user may do something: what they may not is not offered. The server decides all the same. */
export function useMay(permission: Permission | undefined): boolean {
  const { principal } = useSession()
  return permission === undefined || (principal?.permissions.includes(permission) ?? false)
}
