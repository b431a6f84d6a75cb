import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readServices } from '@rollcall/compose'
import { describe, expect, it } from 'vitest'
import { type Order, type OrderedImage, order } from './order.ts'
import { type OrderInput, type ResolvedPort, toOrder } from './to-order.ts'

/** Samples that the host program is tested with too. */
const SAMPLES = fileURLToPath(new URL('../../../../test/host/orders/', import.meta.url))

const SHOP = `
name: shop
services:
  web:
    image: registry.lan/shop/web:2.4
    command: [serve, --greeting, "100% \\"quoted\\" $$HOME"]
    ports: ["8443:8443", "80"]
    environment: {LOG: info}
    secrets: [{source: api_token, target: token, mode: 0400}]
    configs: [{source: site, target: /etc/site.conf}]
    volumes: ["cache:/var/cache/web", "assets:/srv:ro", "/srv/site:/site:ro", "/scratch"]
    tmpfs: ["/tmp"]
    healthcheck: {test: "wget -qO- http://127.0.0.1/up", interval: 5s, timeout: 2s, retries: 3, start_period: 20s}
    depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
    x-rollcall:
      secret_environment: {DB_PASSWORD: db_password}
      checks: [{http: "/up", port: 80}, {database: postgres, port: 5432, critical: false}]
  db:
    image: postgres:16.4
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck: {test: [CMD, pg_isready], interval: 5s}
  migrate:
    image: registry.lan/shop/web:2.4
    command: [migrate]
    restart: "no"
    depends_on: [db]
    healthcheck: {test: [NONE]}
volumes:
  cache:
  data: {name: shop-database}
  assets: {external: true, name: common-assets}
secrets: {api_token: {external: true}, db_password: {external: true}}
configs: {site: {content: "listen 80\\n"}}
`

const HOST_NETWORK = `
name: probes
services:
  probe:
    image: registry.lan/probe:1
    network_mode: host
`

const PLAYBOOK = `
name: site
services:
  api:
    ports: ["8080:8080"]
    x-rollcall:
      playbook: mysite/api
      unit: api.service
      variables: {api_port: 8080, api_greeting: "100% {{ raw }}"}
      checks: [{http: /up, port: 8080}]
`

const image = (ref: string, digit: string): OrderedImage => ({
  ref,
  digest: `sha256:${digit.repeat(64)}`,
  source: 'layout',
})

/** Resolves what a file names, as the server does before an order. */
function inputOf(text: string, changes: Partial<OrderInput> = {}): OrderInput {
  const { spec, faults } = readServices(text)
  expect(faults).toEqual([])
  const [group] = spec?.groups ?? []
  if (!spec || !group) throw new Error('the sample has no group')
  const project = spec.project ?? ''
  const ports = group.services.flatMap(({ name, ports }) =>
    ports.map(
      ({ published, ...port }, index): ResolvedPort => ({
        container: name,
        ...port,
        published: published ?? 20_411 + index,
      }),
    ),
  )
  return {
    project,
    group,
    instance: { id: '3fa9c1d2', generation: 4, name: `${project}/${group.name}.2`, slot: 2 },
    revision: 'e'.repeat(64),
    images: new Map(
      group.services.map(({ name }, index) => [name, image(`registry.lan/${name}:1`, `${index + 1}`)]),
    ),
    ports,
    volumes: new Map(
      spec.volumes.map(({ name, nameOnHost, isExternal }) => [
        name,
        { nameOnHost: nameOnHost ?? `${project}_${name}`, isExternal },
      ]),
    ),
    secrets: new Map([
      ['api_token', Buffer.from('token')],
      ['db_password', Buffer.from('correct horse')],
      ['unused', Buffer.from('of another service')],
    ]),
    configs: spec.configs,
    ...changes,
  }
}
const container = (made: Order, name: string) => made.containers.find((one) => one.name === name)

describe('the order of an instance', () => {
  const shop = toOrder(inputOf(SHOP))

  it('a group with a database, a job and checks is what the host program reads', async () => {
    await expect(`${JSON.stringify(shop, null, 2)}\n`).toMatchFileSnapshot(`${SAMPLES}from-compose.json`)
  })

  it('a group outside of any network is what the host program reads', async () => {
    const made = toOrder(inputOf(HOST_NETWORK))
    expect(made.network).toBeNull()
    await expect(`${JSON.stringify(made, null, 2)}\n`).toMatchFileSnapshot(`${SAMPLES}host-network.json`)
  })

  it('a service that a playbook makes is what the host program reads, and has no containers', async () => {
    const playbook = {
      name: 'mysite/api',
      file: 'api.yml',
      collection: { name: 'mysite', version: 'c'.repeat(64) },
      stateVariable: 'api_state',
      variables: { api_port: 8080, api_greeting: '100% {{ raw }}' },
      secretVariables: [],
    }
    const made = toOrder(inputOf(PLAYBOOK, { playbook }))
    expect([made.containers, made.network, made.checks.map((check) => check.container)]).toEqual([
      [],
      null,
      ['api'],
    ])
    await expect(`${JSON.stringify(made, null, 2)}\n`).toMatchFileSnapshot(`${SAMPLES}playbook.json`)
    expect(() => toOrder(inputOf(PLAYBOOK))).toThrow(/playbook of api was not looked up/)
  })

  it('every sample that the host program is tested with is an order', () => {
    const samples = readdirSync(SAMPLES).filter((file) => file.endsWith('.json'))
    expect(samples.length).toBeGreaterThan(1)
    for (const sample of samples)
      expect(order.safeParse(JSON.parse(readFileSync(`${SAMPLES}${sample}`, 'utf8'))).error).toBeUndefined()
  })

  it('health checks of the file become commands that look, beside the checks of Rollcall', () => {
    expect(shop.checks.map(({ container: of, probe }) => [of, probe])).toEqual(
      expect.arrayContaining([
        ['db', { kind: 'command', argv: ['pg_isready'] }],
        ['web', { kind: 'command', argv: ['/bin/sh', '-c', 'wget -qO- http://127.0.0.1/up'] }],
        ['web', { kind: 'http', path: '/up', port: 80 }],
      ]),
    )
    expect(shop.checks.some(({ container: of }) => of === 'migrate')).toBe(false)
  })

  it('volumes have their names on the host, and those without a name go with the instance', () => {
    const sources = container(shop, 'web')?.mounts.flatMap((mount) =>
      mount.type === 'volume' ? [mount.source] : [],
    )
    expect(sources).toEqual(['shop_cache', 'common-assets', null])
    expect(shop.volumes).toContainEqual({ name: 'shop-database', is_external: false })
    expect(shop.volumes).toContainEqual({ name: 'common-assets', is_external: true })
  })

  it('only secrets that its containers use are in an order', () => {
    expect(Object.keys(shop.secrets).sort()).toEqual(['api_token', 'db_password'])
    expect(container(shop, 'web')?.secret_environment).toEqual([
      { name: 'DB_PASSWORD', secret: 'db_password' },
    ])
  })

  it('containers wait for those of their own group', () => {
    expect(container(shop, 'web')?.after).toEqual([
      { container: 'db', condition: 'healthy' },
      { container: 'migrate', condition: 'completed' },
    ])
  })

  it('an order is not made where something that it names was not looked up', () => {
    const without = (changes: Partial<OrderInput>) => () => toOrder(inputOf(SHOP, changes))
    expect(without({ images: new Map() })).toThrow(/image .* was not looked up/)
    expect(without({ ports: [] })).toThrow(/ports, and 0 were chosen/)
    expect(without({ secrets: new Map() })).toThrow(/secret .* was not looked up/)
    expect(without({ volumes: new Map() })).toThrow(/volume .* was not looked up/)
  })

  it('an order that a host would refuse for its size is refused before it is sent', () => {
    const secrets = new Map([
      ['api_token', Buffer.alloc(4 * 1024 * 1024)],
      ['db_password', Buffer.from('x')],
    ])
    expect(() => toOrder(inputOf(SHOP, { secrets }))).toThrow(/more than 4 MiB/)
  })
})
