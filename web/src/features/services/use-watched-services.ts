import type { ServiceDetail, ServiceListed } from '@rollcall/contracts/admin'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { live } from '../../api/live.ts'
import { answerKey, useAnswer } from '../../api/use-answer.ts'
import { ServicesMirror } from './services-mirror.ts'

/** While nothing is pushed. */
const REFRESH_MS = 2000
/** While it is, in case something was lost. */
const LIVE_REFRESH_MS = 30_000

interface Watch {
  mirror: ServicesMirror
  /** How often something new has come; 0 before all of it was there. */
  news: number
  /** When it came, in milliseconds since 1970. */
  atMs: number
  /** Tells whether what is held is how things are now. */
  isPushed: boolean
}

/** Watches all services, or one, while the component is drawn. A service is not watched before its id is known, as null. */
export function useWatch(serviceId?: string | null): Watch {
  const mirror = useRef(new ServicesMirror()).current
  const [{ news, atMs, isRefused }, set] = useState({ news: 0, atMs: 0, isRefused: false })
  const status = useSyncExternalStore(live.onStatus, () => live.status)
  useEffect(() => {
    if (serviceId === null) return
    set({ news: 0, atMs: 0, isRefused: false })
    return live.follow({
      takes: (event) =>
        event.type === 'services'
          ? event.serviceId === (serviceId ?? null)
          : event.type === 'error' && event.commandId === null && !event.runId && !event.transferId,
      begin() {
        mirror.restart()
        return { type: 'watch-services', ...(serviceId !== undefined && { serviceId }) }
      },
      end: () => ({ type: 'unwatch-services' }),
      onEvent(event) {
        if (event.type !== 'services') set((now) => ({ ...now, isRefused: true }))
        else if (mirror.take(event))
          set((now) => ({ news: now.news + 1, atMs: Date.now(), isRefused: false }))
      },
    })
  }, [mirror, serviceId])
  return { mirror, news, atMs, isPushed: news > 0 && !isRefused && status.is === 'live' }
}

/** Tells whether what is pushed counts: while it is, and afterwards until there is a newer answer. */
const isNewer = ({ news, atMs, isPushed }: Watch, answeredAtMs: number) =>
  isPushed || (news > 0 && atMs >= answeredAtMs)

/** Returns all services as they are now. They are asked for again and again only while they are not pushed. */
export function useServices() {
  const watch = useWatch()
  const query = useAnswer(
    'listServices',
    { query: {} },
    { refetchInterval: watch.isPushed ? LIVE_REFRESH_MS : REFRESH_MS },
  )
  const toRows = ({ services }: { services: ServiceListed[] }) =>
    isNewer(watch, query.dataUpdatedAt) ? watch.mirror.list() : services
  return { query, toRows }
}

/** Returns a service as it is now, and how often it has changed. */
export function useService(reference: string) {
  const client = useQueryClient()
  const input = { params: { service: reference } }
  const [serviceId, setServiceId] = useState<string>()
  const watch = useWatch(serviceId ?? null)
  const query = useAnswer('showService', input, {
    refetchInterval: watch.isPushed ? LIVE_REFRESH_MS : REFRESH_MS,
  })
  const answeredId = query.data?.service.id
  useEffect(() => setServiceId(answeredId), [answeredId])
  const found = serviceId === undefined ? undefined : watch.mirror.find(serviceId)
  const toDetail = (answer: ServiceDetail): ServiceDetail =>
    found && isNewer(watch, query.dataUpdatedAt) ? { ...answer, ...found } : answer
  const isGone = watch.news > 0 && !found
  const rest = isGone ? 'gone' : query.data && restOf(toDetail(query.data))
  const asked = useRef(rest)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the reference is the whole input
  useEffect(() => {
    const before = asked.current
    asked.current = rest
    if (before === undefined || before === rest) return
    void client.invalidateQueries({ queryKey: answerKey('showService', input) })
    void client.invalidateQueries({ queryKey: answerKey('listServiceRevisions', input) })
  }, [client, reference, rest])
  return { query, toDetail, news: watch.news, isPushed: watch.isPushed }
}

/** Returns what the rest of an answer follows from: secrets are those of a revision, and volumes are where instances are. */
const restOf = ({ service, instances }: ServiceDetail): string =>
  [service.revision, ...instances.map(({ id, host }) => `${id} ${host?.id}`)].join()
