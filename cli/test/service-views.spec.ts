import { randomUUID } from 'node:crypto'
import type { ServiceDetail } from '@rollcall/contracts/admin'
import { instanceOf, serviceOf } from '@rollcall/contracts/admin/services/testing/service-views'
import { describe, expect, it } from 'vitest'
import { AT, placement, terms } from './fake-placement.ts'
import { withServer } from './setting.ts'

const setting = withServer()
const asked = (name: string) => setting.server.requests.filter((request) => request.name === name)

describe('looking at services', () => {
  const instance = instanceOf(1, {
    id: '3fa9c1d2',
    generation: 4,
    revision: 2,
    health: 'failed',
    reason: 'web: GET /up answered 503',
    ports: [{ container: 'web', target: 80, published: 20_411, protocol: 'tcp', hostIp: null }],
    isHeld: true,
  })
  const { id, slot, state, health, host, reason } = instance
  const mark = { id, slot, state, health, host, reason }
  const service = serviceOf({
    id: instance.serviceId,
    state: 'degraded',
    replicas: 1,
    revision: 2,
    images: ['registry.lan/web:2'],
    counts: { running: 1 },
    healths: { failed: 1 },
    updatedBy: 'ada',
  })

  it('apply --wait ends once nothing is under way, and with 1 where a service is not healthy', async () => {
    const planId = randomUUID()
    setting.server.handlers.applyServicePlan = () => ({
      planId,
      project: 'shop',
      services: [{ id: service.id, name: 'web', action: 'changed', revision: 2 }],
    })
    const answers = (...states: ServiceDetail['service']['state'][]) => {
      setting.server.handlers.listServices = () => ({
        services: [{ ...service, state: states.shift() ?? 'healthy', instances: [mark] }],
      })
      return setting.ended(['service', 'apply', planId, '--wait'])
    }
    const well = await answers('deploying', 'healthy')
    expect([well.exitCode, well.stderr]).toEqual([0, expect.stringContaining('shop/web: healthy')])
    const ill = await answers('degraded')
    expect([ill.exitCode, ill.stderr]).toEqual([1, expect.stringContaining('rollcall service show shop/web')])
  })

  it('services are listed with a sign for each instance, and without any the list says how to begin', async () => {
    setting.server.handlers.listServices = () => ({ services: [{ ...service, instances: [mark] }] })
    const { stdout } = await setting.ended(['service', 'list'])
    expect(stdout).toMatch(/shop\/web +degraded +✕ +2 +registry\.lan\/web:2/)
    const made = { ...service, images: [], playbook: 'site/api, version 0123456789ab' }
    setting.server.handlers.listServices = () => ({ services: [{ ...made, instances: [mark] }] })
    expect((await setting.ended(['service', 'list'])).stdout).toMatch(
      / 2 +playbook site\/api, version 0123456789ab/,
    )
    setting.server.handlers.listServices = () => ({ services: [] })
    expect((await setting.ended(['service'])).stdout).toContain('rollcall service plan --help')
  })

  it('a service is shown with its instances, and with the reason of each that is not well', async () => {
    setting.server.handlers.showService = () => ({
      service,
      instances: [instance],
      secrets: [{ name: 'db_password', version: 3 }],
      volumes: [{ name: 'shop_data', hosts: ['app-1'] }],
    })
    const { stdout } = await setting.ended(['service', 'show', 'shop/web'])
    expect(stdout).toMatch(/shop\/web\.1 +running \(waits\) +failed +app-1 +20411→80 .* 4 +1 → 2/)
    expect(stdout).toContain('db_password (version 3)')
    expect(stdout).toContain('shop_data on app-1')
    expect(stdout).toContain('shop/web.1: web: GET /up answered 503')
  })

  it('why an instance is where it is comes as a table of scores, and a named host is judged condition by condition', async () => {
    setting.server.handlers.explainInstance = ({ query }) => ({
      instance: 'shop/web.1',
      decidedAt: AT,
      placement: placement(1, {
        rejections: [
          {
            filter: 'ports',
            detail: 'tcp/8443',
            count: 1,
            examples: [{ host: 'app-2', evidence: 'shop/db.1' }],
          },
        ],
      }),
      history: [],
      judgement:
        query.host === undefined
          ? null
          : {
              host: query.host,
              fits: false,
              conditions: [{ filter: 'memory', detail: '256 MiB', passes: false, evidence: '201 MiB' }],
              score: { host: query.host, score: 40, terms },
              current: { host: 'app-1', score: 73, terms },
            },
    })
    const { stdout } = await setting.ended(['service', 'why', 'shop/web.1', '--host', 'app-3'])
    expect(stdout).toContain('shop/web.1 is on app-1, decided at 2026-11-30T10:00:00Z: the best of 3 hosts.')
    expect(stdout).toMatch(/1 +ports +tcp\/8443 +app-2: shop\/db\.1/)
    expect(stdout).toMatch(/✕ +memory +256 MiB +201 MiB/)
    expect(stdout).toContain('app-3 does not fit, judged now:')
    expect(asked('explainInstance')[0]).toMatchObject({
      params: { service: 'shop/web', slot: 1 },
      query: { host: 'app-3' },
    })
    const wrong = await setting.ended(['service', 'why', 'shop/web'])
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('PROJECT/NAME.SLOT')])
  })
})
