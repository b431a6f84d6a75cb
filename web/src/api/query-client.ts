import { QueryClient } from '@tanstack/react-query'
import { ApiError } from './client.ts'

/** What was refused is not asked again; what could not be reached is, a few times. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      retry: (failures, error) =>
        failures < 3 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
})
