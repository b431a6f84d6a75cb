import type { AdminRouteName } from '@rollcall/contracts/admin'
import type { CallArguments } from '@rollcall/contracts/client'
import { type QueryKey, type UseQueryOptions, useQuery } from '@tanstack/react-query'
import { type Answer, call, type Input } from './client.ts'

/** Returns the key of a route's answer to an input. Without the input it names all answers of the route. */
export const answerKey = <N extends AdminRouteName>(name: N, input?: Input<N>): QueryKey =>
  input === undefined ? [name] : [name, input]

/** Returns a route's answer to an input, which other places share and `invalidates` names by its route. */
export const useAnswer = <N extends AdminRouteName>(
  name: N,
  input: Input<N>,
  options: Omit<UseQueryOptions<Answer<N>>, 'queryKey' | 'queryFn'> = {},
) =>
  useQuery<Answer<N>>({
    ...options,
    queryKey: answerKey(name, input),
    queryFn: ({ signal }) => call(name, ...([input, signal] as unknown as CallArguments<N>)),
  })
