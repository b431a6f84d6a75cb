import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import type { ServicePlanEntry, ServicePlanView } from '@rollcall/contracts/admin'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AT, placement } from './fake-placement.ts'
import { withServer } from './setting.ts'

const setting = withServer()
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-service-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** As Compose writes it. */
const TAG = '$' + '{TAG}'
const PLAN_ID = '3f2a9c1b-0000-4000-8000-000000000001'
const entry = (service: string, change: Partial<ServicePlanEntry> = {}): ServicePlanEntry => ({
  service,
  action: 'new',
  replicas: 1,
  images: [{ container: service, ref: `registry.lan/${service}:1`, digest: null }],
  changes: [],
  placements: [placement(1)],
  removedSlots: [],
  removedVolumes: [],
  keptVolumes: [],
  spares: [],
  ...change,
})
const plan = (services: ServicePlanEntry[]): ServicePlanView => ({
  id: PLAN_ID,
  project: 'shop',
  digest: 'a'.repeat(64),
  prune: false,
  createdAt: AT,
  createdBy: 'ada',
  appliedAt: null,
  services,
  order: [['db'], ['web']],
  notes: ['web: gateway is kept; no route is made for it yet'],
})

async function file(text: string, more: Record<string, string> = {}): Promise<string> {
  for (const [name, content] of Object.entries({ 'compose.yml': text, ...more }))
    await writeFile(join(folder, name), content)
  return join(folder, 'compose.yml')
}
const asked = (name: string) => setting.server.requests.filter((request) => request.name === name)
const trimmed = (text: string) => text.replaceAll(/ +$/gm, '')

describe('rollcall service plan', () => {
  it('a plan is drawn with what becomes of each service, its changes, and a bar for where each instance goes', async () => {
    setting.server.handlers.planServices = () => ({
      faults: [],
      keys: [
        { line: 6, column: 5, key: 'services.web.restart', standing: 'otherwise', says: 'systemd restarts' },
      ],
      plan: plan([
        entry('web', {
          spares: ['app-4', 'app-5'],
          action: 'changed',
          replicas: 3,
          changes: [
            { path: 'services.web.image', before: 'web:1', after: 'web:2', isHidden: false },
            { path: 'services.web.user', before: null, after: '1000', isHidden: false },
            { path: 'services.web.read_only', before: 'true', after: null, isHidden: false },
          ],
          placements: [
            placement(1, { isKept: true }),
            placement(2, { from: 'app-9' }),
            placement(3, {
              host: null,
              best: [],
              ports: [],
              reason: 'no host of 3: 3 lack label ssd (app-1)',
            }),
            placement(5, { isKept: true, isReplaced: true }),
          ],
          removedSlots: [{ slot: 4, host: 'app-4' }],
        }),
        entry('db'),
        entry('mail', { action: 'unchanged' }),
        entry('old', {
          action: 'removed',
          placements: [],
          removedVolumes: ['shop_a'],
          keptVolumes: ['shop_b'],
        }),
        entry('older', { action: 'left_behind', placements: [] }),
      ]),
    })
    const { exitCode, stdout, stderr } = await setting.ended(['service', 'plan', await file('name: shop\n')])
    expect(trimmed(stdout)).toBe(`Project shop

~ web  changed, 4 instances
    ~ services.web.image  web:1 → web:2
    + services.web.user  1000
    - services.web.read_only  true
    = .1  app-1:20411
    ~ .2  app-9 → app-2:20411  ███████████████░░░░░  73  load 38, spread 30, preference 5
    ! .3  no host of 3: 3 lack label ssd (app-1)
    ~ .5  app-5:20411, stopped there and started anew
    - .4  goes from app-4
    = images  also kept on app-4, app-5

+ db  new, 1 instance, registry.lan/db:1
    + .1  → app-1:20411  ███████████████░░░░░  73  load 38, spread 30, preference 5

= mail  unchanged, 1 instance

- old  is removed
    - volume shop_a  its data is removed
    = volume shop_b  its data stays

? older  is not in the file any more, and stays; --prune removes it

order: db → web

note: line 6, services.web.restart: systemd restarts
note: web: gateway is kept; no route is made for it yet
`)
    expect(stderr).toContain(`apply it: rollcall service apply ${PLAN_ID}`)
    expect(exitCode).toBe(0)
  })

  it('the server gets the file with those variables and files alone that it names', async () => {
    setting.server.handlers.planServices = () => ({ plan: plan([entry('web')]), faults: [], keys: [] })
    const path = await file(
      `name: shop\nservices:\n  web:\n    image: web:${TAG}\n    env_file: web.env\n    user: "$OWNER"\n`,
      { '.env': 'TAG=2\nUNUSED_PASSWORD=hush\n', 'web.env': 'A=1\n', 'other.env': 'B=1\n' },
    )
    const args = ['service', 'plan', path, '--set', 'OWNER=1000', '--project', 'mall', '--prune']
    const { exitCode } = await setting.ended([...args, '--with-volumes', 'mall_a,mall_b'])
    expect(exitCode).toBe(0)
    expect(asked('planServices')[0]?.body).toMatchObject({
      text: expect.stringContaining(`web:${TAG}`),
      variables: { TAG: '2', OWNER: '1000' },
      files: [{ path: 'web.env', text: 'A=1\n' }],
      project: 'mall',
      prune: true,
      removedVolumes: ['mall_a', 'mall_b'],
    })
    expect(JSON.stringify(asked('planServices'))).not.toContain('hush')
  })

  it('a file that is refused shows every fault with its line, as compilers do, and exits with 1', async () => {
    setting.server.handlers.planServices = () => ({
      plan: null,
      keys: [],
      faults: [
        {
          code: 'image.not_found',
          line: 4,
          column: 5,
          key: 'services.web.image',
          reason: 'names web:1, which cannot be had',
          instead: 'rollcall image pull web:1',
        },
        {
          code: 'service.invalid',
          line: 1,
          column: 1,
          key: '',
          reason: 'has no name',
          instead: 'give it one',
        },
      ],
    })
    const path = await file('services: {}\n')
    const { exitCode, stdout, stderr } = await setting.ended(['service', 'plan', path])
    expect(stdout).toBe(
      `${path}:4:5: services.web.image names web:1, which cannot be had\n    rollcall image pull web:1\n${path}:1:1: has no name\n    give it one\n`,
    )
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('2 faults')])
    const json = await setting.ended(['service', 'plan', path, '--json'])
    expect([json.exitCode, JSON.parse(json.stdout).faults]).toMatchObject([1, [{ line: 4 }, { line: 1 }]])
  })
})

describe('rollcall service apply', () => {
  const applied = {
    planId: PLAN_ID,
    project: 'shop',
    services: [{ id: randomUUID(), name: 'web', action: 'changed' as const, revision: 2 }],
  }

  it('a plan is applied by its id without being planned again', async () => {
    setting.server.handlers.applyServicePlan = () => applied
    const { exitCode, stderr } = await setting.ended(['service', 'apply', PLAN_ID])
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('shop/web: changed, revision 2')])
    expect([asked('planServices'), asked('applyServicePlan')]).toMatchObject([
      [],
      [{ params: { id: PLAN_ID } }],
    ])
  })

  it('a file is planned, shown and applied, and one that changes nothing is not applied', async () => {
    setting.server.handlers.applyServicePlan = () => applied
    setting.server.handlers.planServices = () => ({ plan: plan([entry('web')]), faults: [], keys: [] })
    const path = await file('name: shop\n')
    const first = await setting.ended(['service', 'apply', path])
    expect([first.exitCode, first.stdout]).toEqual([0, expect.stringContaining('+ web  new, 1 instance')])
    expect(asked('applyServicePlan')).toHaveLength(1)
    const quiet = plan([entry('web', { action: 'unchanged' }), entry('old', { action: 'left_behind' })])
    setting.server.handlers.planServices = () => ({ plan: quiet, faults: [], keys: [] })
    const second = await setting.ended(['service', 'apply', path])
    expect(second.stderr).toContain('everything is as the file says already')
    expect(asked('applyServicePlan')).toHaveLength(1)
  })

  it('a plan that is outdated is refused with its code, and nothing is applied', async () => {
    setting.server.handlers.applyServicePlan = () => {
      throw new RollcallError('service.plan_outdated', 'The plan would do something else by now.')
    }
    const { exitCode, stderr } = await setting.ended(['service', 'apply', PLAN_ID])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('(service.plan_outdated)')])
  })
})
