// @vitest-environment happy-dom
import { instanceOf, SERVICE_ID, serviceOf } from '@rollcall/contracts/admin/services/testing/service-views'
import { act } from '@testing-library/react'
import { expect, it, onTestFinished, vi } from 'vitest'
import { live, type Topic } from '../../api/live.ts'
import { draw, refusal, serve } from '../../testing/draw.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { servicesEvent } from './testing/views.ts'
import { useService, useServices } from './use-watched-services.ts'

/** Stands in for the page's socket: returns what is followed. */
function followed() {
  const topics: Topic[] = []
  vi.spyOn(live, 'follow').mockImplementation((topic) => {
    topics.push(topic)
    return () => void topics.splice(topics.indexOf(topic), 1)
  })
  onTestFinished(() => void vi.restoreAllMocks())
  const says = (event: Parameters<Topic['onEvent']>[0]) =>
    act(async () => {
      for (const topic of topics) if (topic.takes(event)) topic.onEvent(event)
    })
  return { topics, says }
}

function List() {
  const { query, toRows } = useServices()
  return (
    <Loaded query={query}>
      {(answer) => toRows(answer).map(({ id, name, state }) => <p key={id}>{`${name} ${state}`}</p>)}
    </Loaded>
  )
}

function One() {
  const { query, toDetail } = useService('shop/web')
  return (
    <Loaded query={query}>
      {(answer) => {
        const { service, instances, secrets } = toDetail(answer)
        return (
          <p>
            {[service.state, ...instances.map(({ state }) => state), ...secrets.map((s) => s.version)].join()}
          </p>
        )
      }}
    </Loaded>
  )
}

it('the list shows what is pushed, and is asked for again only when that is refused', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true })
  onTestFinished(() => void vi.useRealTimers())
  const made = serve({ 'GET /api/services': () => ({ services: [{ ...serviceOf(), instances: [] }] }) })
  const { says, topics } = followed()
  const { screen } = await draw(<List />)
  await screen.findByText('web healthy')
  expect(topics.map((topic) => topic.begin())).toEqual([{ type: 'watch-services' }])
  await says(servicesEvent({ isSnapshot: true, services: [serviceOf({ state: 'failed' })] }))
  await screen.findByText('web failed')
  const before = made.length
  await act(() => vi.advanceTimersByTimeAsync(20_000))
  expect(made.length).toBe(before)
  await says({ type: 'error', commandId: null, code: 'request.forbidden', message: 'No.' })
  await act(() => vi.advanceTimersByTimeAsync(5000))
  expect(made.length).toBeGreaterThan(before)
  await screen.findByText('web healthy')
})

it('a service shows its pushed instances, and its secrets are asked for anew with another revision', async () => {
  const detail = {
    service: serviceOf(),
    instances: [instanceOf(1)],
    secrets: [{ name: 'a', version: 1 }],
    volumes: [],
  }
  const made = serve({
    'GET /api/services/shop%2Fweb': () => ({
      ...detail,
      secrets: [{ name: 'a', version: made.length }],
    }),
  })
  const { says, topics } = followed()
  const { screen } = await draw(<One />)
  await screen.findByText('healthy,running,1')
  await expect
    .poll(() => topics.map((topic) => topic.begin()))
    .toEqual([{ type: 'watch-services', serviceId: SERVICE_ID }])
  const event = { serviceId: SERVICE_ID }
  await says(
    servicesEvent({ ...event, isSnapshot: true, services: [serviceOf()], instances: [instanceOf(1)] }),
  )
  await says(servicesEvent({ ...event, instances: [instanceOf(1, { state: 'stopping' })] }))
  await screen.findByText('healthy,stopping,1')
  expect(made).toHaveLength(1)
  await says(servicesEvent({ ...event, services: [serviceOf({ revision: 2 })] }))
  await screen.findByText('healthy,stopping,2')
})

it('a service that was removed elsewhere is answered as not there', async () => {
  const made = serve({
    'GET /api/services/shop%2Fweb': () =>
      made.length === 1
        ? { service: serviceOf(), instances: [], secrets: [], volumes: [] }
        : refusal(404, 'service.not_found', 'There is no service shop/web.'),
  })
  const { says, topics } = followed()
  const { screen } = await draw(<One />)
  await screen.findByText('healthy')
  await expect.poll(() => topics.length).toBe(1)
  await says(servicesEvent({ serviceId: SERVICE_ID, isSnapshot: true, services: [serviceOf()] }))
  await says(servicesEvent({ serviceId: SERVICE_ID, removedServices: [SERVICE_ID] }))
  await screen.findByText('There is no service shop/web.')
})
