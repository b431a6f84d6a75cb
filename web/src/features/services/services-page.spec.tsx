// @vitest-environment happy-dom

import { readServices } from '@rollcall/compose'
import { markOf, serviceOf } from '@rollcall/contracts/admin/services/testing/service-views'
import { describe, expect, it } from 'vitest'
import { draw, serve } from '../../testing/draw.tsx'
import { EXAMPLE } from './example.ts'
import { InstanceGrid } from './instance-grid.tsx'
import { countsText, InstanceSquares } from './instance-squares.tsx'
import { markTone } from './service-states.tsx'
import ServicesPage from './services-page.tsx'

describe('the page of services', () => {
  it('the example of the empty page is a file that can be applied as it is', () => {
    const { faults, spec } = readServices(EXAMPLE)
    expect(faults).toEqual([])
    expect(spec?.groups.map(({ replicas }) => replicas)).toEqual([2])
  })

  it('where there is no service the page shows an example and leads to the editor with it', async () => {
    serve({ 'GET /api/services': () => ({ services: [] }) })
    const { screen } = await draw(<ServicesPage />, ['services:read', 'services:write'])
    await screen.findByText(/docker.io\/library\/nginx/)
    const link = screen.getByRole('link', { name: 'Open in the editor' })
    expect(link.getAttribute('href')).toBe('/services/plan?from=example')
    expect(screen.getByRole('button', { name: 'Copy' })).toBeTruthy()
  })

  it('a service is listed with its state, a square for each instance, and the same in words', async () => {
    const instances = [markOf(1), markOf(2, { health: 'failed', reason: 'GET /up answered 503' })]
    serve({ 'GET /api/services': () => ({ services: [{ ...serviceOf({ state: 'degraded' }), instances }] }) })
    const { screen } = await draw(<ServicesPage />, ['services:read'])
    await screen.findByText('shop/web')
    expect(screen.getByText('degraded')).toBeTruthy()
    expect(screen.getByRole('img').getAttribute('aria-label')).toBe(
      '1 running, unhealthy; 1 running, healthy',
    )
    expect(document.querySelectorAll('.square')).toHaveLength(2)
    expect(screen.queryByRole('link', { name: 'Plan services' })).toBeNull()
  })

  it('a service that a playbook makes is listed with its playbook in the place of images', async () => {
    const made = serviceOf({ images: [], playbook: 'site/api, version 0123456789ab' })
    serve({ 'GET /api/services': () => ({ services: [{ ...made, instances: [] }] }) })
    const { screen } = await draw(<ServicesPage />, ['services:read'])
    expect(await screen.findByText('playbook site/api, version 0123456789ab')).toBeTruthy()
  })
})

describe('squares of instances', () => {
  it('a square has the colour of its health while the instance runs, and of its state otherwise', () => {
    expect(markTone({ state: 'running', health: 'success' })).toBe('ok')
    expect(markTone({ state: 'running', health: 'partial' })).toBe('warn')
    expect(markTone({ state: 'running', health: 'failed' })).toBe('bad')
    expect(markTone({ state: 'running', health: 'unknown' })).toBe('ok')
    expect(markTone({ state: 'stopped', health: 'success' })).toBe('faint')
    expect(markTone({ state: 'interrupted', health: 'success' })).toBe('bad')
  })

  it('each square of a page is a button that says what its colour says, and arrows lead from one to the next', async () => {
    const instances = [markOf(1), markOf(2, { state: 'failed', reason: 'exit 1' }), markOf(3)]
    const picked: number[] = []
    const { user, screen } = await draw(
      <InstanceGrid service="shop/web" instances={instances} onPick={(slot) => picked.push(slot)} />,
    )
    expect(screen.getAllByRole('button').map((square) => square.getAttribute('aria-label'))).toEqual([
      'shop/web.1 on app-1: running, healthy',
      'shop/web.2 on app-2: failed\nexit 1',
      'shop/web.3 on app-3: running, healthy',
    ])
    await user.tab()
    await user.keyboard('{ArrowRight}{Enter}{End}{ArrowRight}{Enter}{Home}{Enter}')
    expect(picked).toEqual([2, 3, 1])
    expect(screen.getAllByRole('button').filter(({ tabIndex }) => tabIndex === 0)).toHaveLength(1)
  })

  it('what is wrong comes first in words, and equal instances are counted', () => {
    expect(countsText([markOf(1), markOf(2, { state: 'failed' }), markOf(3)])).toBe(
      '1 failed; 2 running, healthy',
    )
  })

  it('a service of very many instances draws a bounded number of squares and says how many are left', async () => {
    const many = Array.from({ length: 500 }, (_none, i) =>
      markOf(i + 1, { id: i.toString(16).padStart(8, '0') }),
    )
    many[400] = markOf(401, { id: 'ffffffff', state: 'failed' })
    await draw(<InstanceSquares service="shop/web" instances={many} />)
    expect(document.querySelectorAll('.square')).toHaveLength(120)
    expect(document.body.textContent).toContain('+380')
    // The one that needs somebody is among those that are drawn.
    expect(document.querySelectorAll('.square[data-tone="bad"]')).toHaveLength(1)
  })
})
