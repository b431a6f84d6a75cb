import { QueryClient } from '@tanstack/react-query'
import { isTransient } from './client.ts'

/** Repeats queries a few times if the failure may pass. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      retry: (failures, error) => failures < 3 && isTransient(error),
    },
  },
})
