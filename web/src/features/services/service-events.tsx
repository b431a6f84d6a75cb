import { Text } from '@mantine/core'
import { useThrottledCallback } from '@mantine/hooks'
import type { ServiceEventView } from '@rollcall/contracts/admin'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { Ago } from '../../ui/moment.tsx'
import { Reason } from '../../ui/reason.tsx'
import { Failure } from '../../ui/resource-form.tsx'
import { ShowMore } from '../../ui/show-more.tsx'
import { EmptyState, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

/** While changes are not pushed; and at most so often while they are. */
const REFRESH_MS = 3000
const PAGE = 100

interface Props {
  reference: string
  /** Grows with each change that is pushed: then there may be more events. */
  news: number
  isPushed: boolean
}

/** Shows what happened to a service and its instances, the newest first. */
export function ServiceEvents({ reference, news, isPushed }: Props) {
  const client = useQueryClient()
  const readAgain = useThrottledCallback(
    () => void client.invalidateQueries({ queryKey: ['listServiceEvents', reference] }),
    REFRESH_MS,
  )
  const seen = useRef(news)
  useEffect(() => {
    if (seen.current !== news) readAgain()
    seen.current = news
  }, [news, readAgain])
  const events = useInfiniteQuery({
    queryKey: ['listServiceEvents', reference],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      call(
        'listServiceEvents',
        { params: { service: reference }, query: { limit: PAGE, ...(pageParam && { before: pageParam }) } },
        signal,
      ),
    getNextPageParam: ({ events: page }) => (page.length === PAGE ? page.at(-1)?.id : undefined),
    refetchInterval: isPushed ? false : REFRESH_MS,
  })
  if (events.error && !events.data) return <Failure error={events.error} />
  if (!events.data) return <Waiting />
  const all = events.data.pages.flatMap((page) => page.events)
  if (all.length === 0) return <EmptyState title={t('services.noEvents')} />
  return (
    <>
      <ol className="timeline">
        {all.map((event) => (
          <Event key={event.id} event={event} />
        ))}
      </ol>
      <ShowMore pages={events} />
    </>
  )
}

const Event = ({ event: { at, kind, instance, from, to, text, by } }: { event: ServiceEventView }) => (
  <li data-event={kind}>
    <Text size="sm" component="div">
      <b>{t(`services.event.${kind}`)}</b>
      {instance && <Untrusted>{` .${instance.slot}${instance.host ? ` · ${instance.host}` : ''}`}</Untrusted>}
      {(from ?? to) !== null && <Untrusted>{` ${from ?? '–'} → ${to ?? '–'}`}</Untrusted>}
      {by !== null && (
        <>
          {' · '}
          <Untrusted>{by}</Untrusted>
        </>
      )}
    </Text>
    <Reason text={text} size="sm" c="dimmed" />
    <Text size="xs" c="dimmed">
      <Ago at={at} />
    </Text>
  </li>
)
