// @vitest-environment happy-dom
import {
  instanceOf,
  placementOf,
  SERVICE_ID,
  serviceOf,
} from '@rollcall/contracts/admin/services/testing/service-views'
import { act } from '@testing-library/react'
import { useState } from 'react'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { accepted, draw, refusal, serve } from '../../testing/draw.tsx'
import { InstanceTable, portText } from './instance-table.tsx'
import { PlacementTab } from './placement-tab.tsx'
import { RevisionsTab } from './revisions-tab.tsx'
import { ServiceActions } from './service-actions.tsx'
import { ServiceEvents } from './service-events.tsx'

const OPERATIONS = 'POST /api/services/shop%2Fweb/operations'

describe('the instances of a service', () => {
  it('an instance is restarted by its slot alone, after a question', async () => {
    const made = serve({ [OPERATIONS]: () => accepted({ operationId: SERVICE_ID, instances: [] }) })
    const { user, screen } = await draw(
      <InstanceTable reference="shop/web" instances={[instanceOf(2)]} onWhy={() => undefined} />,
      ['services:write'],
    )
    await user.click(screen.getByRole('button', { name: 'Restart' }))
    expect(made).toEqual([])
    await user.click(screen.getAllByRole('button', { name: 'Restart' }).at(-1) as HTMLElement)
    await expect.poll(() => made.length).toBe(1)
    expect(made[0]?.body).toMatchObject({ action: 'restart', slots: [2] })
  })

  it('one who may only read services is offered the reason for a place and nothing to change', async () => {
    const { screen } = await draw(
      <InstanceTable reference="shop/web" instances={[instanceOf(1)]} onWhy={() => undefined} />,
      ['services:read'],
    )
    expect(screen.getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['Why here?'])
  })

  it('a port is shown as host port and container port, with the address in brackets where it has colons', () => {
    const port = { container: 'web', target: 80, published: 20411, protocol: 'tcp' as const }
    expect(portText({ ...port, hostIp: null })).toBe('20411 → 80/tcp')
    expect(portText({ ...port, hostIp: '::1' })).toBe('[::1]:20411 → 80/tcp')
  })

  it('a check is shown with what it found, and in words for whoever does not see its sign', async () => {
    const checks = [
      { container: 'web', kind: 'http', state: 'failed' as const, detail: '503 <i>', at: null },
      { container: 'web', kind: 'tcp', state: 'success' as const, detail: null, at: null },
    ]
    await draw(
      <InstanceTable reference="shop/web" instances={[instanceOf(1, { checks })]} onWhy={() => undefined} />,
    )
    expect([...document.querySelectorAll('[data-check]')].map(({ textContent }) => textContent)).toEqual([
      '✕ failed:web http: 503 <i>',
      '✓ passes:web tcp',
    ])
  })

  it('a table of very many instances draws a bounded number of rows, with one that was chosen and a way to more', async () => {
    const many = Array.from({ length: 215 }, (_none, i) =>
      instanceOf(i + 1, { id: i.toString(16).padStart(8, '0') }),
    )
    const { user, screen } = await draw(
      <InstanceTable reference="shop/web" instances={many} picked={210} onWhy={() => undefined} />,
    )
    const rows = () => document.querySelectorAll('[data-instance]').length
    expect(rows()).toBe(201)
    expect(document.activeElement?.getAttribute('data-instance')).toBe('shop/web.210')
    await user.click(screen.getByText('Show more: 14 left'))
    expect(rows()).toBe(215)
  })

  it('a reason that a host gives is drawn as text and its controls are made visible', async () => {
    const reason = '<b>x</b>\u202e'
    await draw(
      <InstanceTable reference="shop/web" instances={[instanceOf(1, { reason })]} onWhy={() => undefined} />,
    )
    expect(document.querySelector('b b')).toBeNull()
    expect(document.body.textContent).toContain('<b>x</b>U+202e')
  })
})

describe('what is done with a service as a whole', () => {
  const detail = {
    service: serviceOf(),
    instances: [],
    secrets: [],
    volumes: [{ name: 'shop_data', hosts: ['app-1'] }],
  }

  it('a service that is removed keeps its volumes unless one is ticked by its name', async () => {
    const made = serve({ [OPERATIONS]: () => accepted({ operationId: SERVICE_ID, instances: [] }) })
    const { user, screen } = await draw(<ServiceActions detail={detail} />, ['services:write'])
    const remove = async () => {
      await user.click(screen.getAllByRole('button', { name: 'Remove' }).at(-1) as HTMLElement)
    }
    await remove()
    await remove()
    await expect.poll(() => made.at(-1)?.body).toMatchObject({ action: 'remove', removedVolumes: [] })
  })

  it('a volume that is ticked goes with its service', async () => {
    const made = serve({ [OPERATIONS]: () => accepted({ operationId: SERVICE_ID, instances: [] }) })
    const { user, screen } = await draw(<ServiceActions detail={detail} />, ['services:write'])
    await user.click(screen.getByRole('button', { name: 'Remove' }))
    await user.click(screen.getByLabelText('Delete the data of shop_data'))
    await user.click(screen.getAllByRole('button', { name: 'Remove' }).at(-1) as HTMLElement)
    await expect.poll(() => made.at(-1)?.body).toMatchObject({ removedVolumes: ['shop_data'] })
  })

  it('a refusal stays in the dialog with its words', async () => {
    serve({ [OPERATIONS]: () => refusal(409, 'service.plan_outdated', 'Somebody else is at it.') })
    const { user, screen } = await draw(<ServiceActions detail={detail} />, ['services:write'])
    await user.click(screen.getByRole('button', { name: 'Stop' }))
    await user.click(screen.getAllByRole('button', { name: 'Stop' }).at(-1) as HTMLElement)
    await screen.findByText('Somebody else is at it.')
  })

  it('a stopped service can be started and not stopped again', async () => {
    const stopped = { ...detail, service: serviceOf({ wanted: 'stopped', state: 'stopped' }) }
    const { screen } = await draw(<ServiceActions detail={stopped} />, ['services:write'])
    expect(screen.getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['Start', 'Remove'])
  })
})

describe('why an instance is where it is', () => {
  const terms = { load: 31, spread: 25, affinity: 15, preference: 0, flaps: -2 }
  const answer = {
    instance: 'shop/web.1',
    decidedAt: '2026-11-30T10:00:00.000Z',
    placement: placementOf(1, {
      best: [{ host: 'app-7', score: 69, terms }],
      rejections: [
        {
          filter: 'memory',
          detail: '256 MB',
          count: 12,
          examples: [{ host: 'app-3', evidence: '201 MB free' }],
        },
      ],
    }),
    history: [],
    judgement: null,
  }

  it('a score is told with all of its terms, and a condition with how many hosts it ruled out', async () => {
    serve({ 'GET /api/services/shop%2Fweb/instances/1/why': () => answer })
    const { screen } = await draw(
      <PlacementTab reference="shop/web" slots={[1, 2]} slot={undefined} onSlot={() => undefined} />,
    )
    await screen.findByText('app-7')
    expect(screen.getByRole('img').getAttribute('aria-label')).toBe(
      '69: load 31, spread 25, affinity 15, flaps -2',
    )
    expect(screen.getByText('Memory').closest('tr')?.textContent).toBe('12Memory256 MBapp-3 (201 MB free)')
  })

  it('a host that is asked about is judged condition by condition beside the one that was chosen', async () => {
    const current = { host: 'app-7', score: 69, terms }
    const judgement = {
      host: 'app-3',
      fits: false,
      conditions: [{ filter: 'memory', detail: '256 MB', passes: false, evidence: '201 MB free' }],
      score: { host: 'app-3', score: 66, terms },
      current,
    }
    const made = serve({
      'GET /api/services/shop%2Fweb/instances/1/why': ({ path }) =>
        path.includes('host=app-3') ? { ...answer, judgement } : answer,
    })
    const { user, screen } = await draw(
      <PlacementTab reference="shop/web" slots={[1]} slot={1} onSlot={() => undefined} />,
    )
    await user.type(screen.getByLabelText('Judge another host'), 'app-3{Enter}')
    await screen.findByText(/does not fit/)
    expect(document.querySelector('[data-ok="false"]')?.textContent).toContain('201 MB free')
    expect(made).toHaveLength(2)
  })
})

function PushedEvents() {
  const [news, setNews] = useState(1)
  return (
    <>
      <button type="button" onClick={() => setNews(news + 1)}>
        push
      </button>
      <ServiceEvents reference="shop/web" news={news} isPushed />
    </>
  )
}

it('the history of a service is read again when something is pushed, and not again and again', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true })
  onTestFinished(() => void vi.useRealTimers())
  const made = serve({ 'GET /api/services/shop%2Fweb/events': () => ({ events: [] }) })
  const { user, screen } = await draw(<PushedEvents />)
  await screen.findByText('Nothing has happened yet')
  await act(() => vi.advanceTimersByTimeAsync(20_000))
  expect(made).toHaveLength(1)
  for (let i = 0; i < 10; i++) await user.click(screen.getByText('push'))
  await act(() => vi.advanceTimersByTimeAsync(20_000))
  expect(made.length).toBeGreaterThan(1)
  expect(made.length).toBeLessThan(5)
})

it('a revision shows field by field what it changed, and a hidden value is not there at all', async () => {
  const revision = {
    number: 2,
    digest: 'a'.repeat(64),
    createdAt: '2026-11-30T10:00:00.000Z',
    createdBy: 'Ada',
    isProven: true,
    planId: '00000000-0000-4000-8000-000000000009',
    images: [],
    changes: [
      { path: 'services.web.image', before: 'web:1', after: 'web:2', isHidden: false },
      { path: 'services.web.environment.TOKEN', before: null, after: null, isHidden: true },
    ],
  }
  serve({ 'GET /api/services/shop%2Fweb/revisions': () => ({ revisions: [revision] }) })
  const { screen } = await draw(<RevisionsTab reference="shop/web" />, ['services:write'])
  await screen.findByText('proven')
  expect(document.querySelector('del')?.textContent).toBe('web:1')
  expect(document.querySelector('ins')?.textContent).toBe('web:2')
  expect(screen.getByText('changed; the value is not shown')).toBeTruthy()
  expect(screen.getByRole('link', { name: 'Edit this file' }).getAttribute('href')).toContain(revision.planId)
})
