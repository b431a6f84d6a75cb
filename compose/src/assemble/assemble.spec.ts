import { describe, expect, it } from 'vitest'
import { type Fault, readServices } from '../index.ts'

const read = (text: string) => readServices(text)
const brief = ({ line, key, code }: Fault) => `${line} ${key} ${code}`

describe('what a file means', () => {
  it('services without replicas are one group in the order of their dependencies, each other service is one of its own', () => {
    const { spec } = read(
      'name: shop\nservices:\n  web: {image: n:1, depends_on: [db]}\n  api: {image: n:1, deploy: {replicas: 3}, depends_on: [db], x-rollcall: {reach: db}}\n  db: {image: n:1}\n  everywhere: {image: n:1, deploy: {mode: global}}\n  book: {x-rollcall: {playbook: a/b}}\n',
    )
    expect(
      spec?.groups.map(({ name, replicas, services }) => [name, replicas, services.map((one) => one.name)]),
    ).toEqual([
      ['shop', 1, ['db', 'web']],
      ['api', 3, ['api']],
      ['everywhere', null, ['everywhere']],
      ['book', 1, ['book']],
    ])
  })

  it('a dependency across groups is told, unless reach gives the address', () => {
    const file = (own: string) =>
      `services:\n  web: {image: n:1, scale: 2, depends_on: [db]${own}}\n  db: {image: n:1}\n`
    const hasNotice = (text: string) => read(text).keys.some(({ says }) => says.includes('x-rollcall.reach'))
    expect(hasNotice(file(''))).toBe(true)
    expect(hasNotice(file(', x-rollcall: {reach: [db]}'))).toBe(false)
  })

  it('a service that others wait for to end is a job', () => {
    const { spec } = read(
      'services:\n  web: {image: n:1, depends_on: {migrate: {condition: service_completed_successfully}}}\n  migrate: {image: n:1}\n',
    )
    expect(spec?.groups[0]?.services.map(({ name, isJob }) => [name, isJob])).toEqual([
      ['migrate', true],
      ['web', false],
    ])
  })

  it('services of one group cannot say different things of their host', () => {
    const { faults } = read(
      'services:\n  a: {image: n:1, x-rollcall: {fence: none}}\n  b:\n    image: n:1\n    x-rollcall:\n      fence: lease\n',
    )
    expect(faults).toMatchObject([{ line: 6, key: 'services.b.x-rollcall.fence' }])
  })

  it('merge keys and anchors give keys that the service itself does not have', () => {
    const { spec } = read(
      'x-base: &base\n  image: n:1\n  environment: {A: 1}\n  restart: always\nservices:\n  a:\n    <<: *base\n    environment: {B: 2}\n  b: *base\n',
    )
    const containers = spec?.groups[0]?.services.map(({ runs }) =>
      runs.kind === 'container' ? runs.container.environment : [],
    )
    expect(containers).toEqual([[{ name: 'B', value: '2' }], [{ name: 'A', value: '1' }]])
  })

  it('environment wins over env files, and a later env file over an earlier one', () => {
    const files: Record<string, string> = { 'a.env': 'A=1\nB=1\nC=1\n', 'b.env': 'B=2\nC=2\nD=$X\n' }
    const { spec } = readServices(
      'services:\n  web:\n    image: n:1\n    env_file: [a.env, {path: b.env}, {path: none.env, required: false}]\n    environment: {C: 3}\n',
      { X: 'x' },
      { readFile: (path) => files[path] },
    )
    const [service] = spec?.groups[0]?.services ?? []
    expect(service?.runs.kind === 'container' && service.runs.container.environment).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
      { name: 'C', value: '3' },
      { name: 'D', value: 'x' },
    ])
    expect(
      readServices('services:\n  web:\n    image: n:1\n    env_file: none.env\n').faults.map(brief),
    ).toEqual(['4 services.web.env_file service.invalid'])
  })

  it('a text file beside the Compose file that is mounted becomes a config, and the report says so', () => {
    const readFile = (path: string) => (path === 'conf/nginx.conf' ? 'user nginx;' : undefined)
    const file = (mounts: string) => `services:\n  web:\n    image: n:1\n    volumes: [${mounts}]\n`
    const { spec, keys } = readServices(file('"./conf/nginx.conf:/etc/nginx.conf"'), {}, { readFile })
    const [service] = spec?.groups[0]?.services ?? []
    expect(spec?.configs).toEqual([{ name: 'file-conf-nginx.conf', content: 'user nginx;' }])
    expect(service?.runs).toMatchObject({
      container: {
        mounts: [],
        configs: [{ source: 'file-conf-nginx.conf', target: '/etc/nginx.conf', mode: null }],
      },
    })
    expect(keys.filter(({ standing }) => standing === 'otherwise')).toMatchObject([
      { line: 4, key: 'services.web.volumes.0', says: expect.stringContaining('conf/nginx.conf') },
    ])
    for (const path of ['./data', './conf/../conf/nginx.conf', '../conf/nginx.conf', '~/conf/nginx.conf'])
      expect(readServices(file(`"${path}:/x"`), {}, { readFile }).faults.map(brief), path).toEqual([
        '4 services.web.volumes.0 service.invalid',
      ])
  })

  it('two files that would be sent under one name are refused', () => {
    const { faults } = readServices(
      'services:\n  web:\n    image: n:1\n    volumes: ["./a/b.conf:/a", "./a-b.conf:/b"]\n',
      {},
      { readFile: (path) => path },
    )
    expect(faults.map(brief)).toEqual(['4 services.web.volumes service.invalid'])
  })

  it('variables of a playbook are kept as they are written, and a key that JSON readers drop is refused', () => {
    const file = (variables: string) =>
      read(`services:\n  api:\n    x-rollcall:\n      playbook: a/b\n      variables: ${variables}\n`)
    const { spec } = file('{n: 3, list: [a, true, ~], map: {constructor: {toString: 1.5}}}')
    const [service] = spec?.groups[0]?.services ?? []
    expect(service?.runs.kind === 'playbook' && service.runs.playbook.variables).toEqual({
      n: 3,
      list: ['a', true, null],
      map: { constructor: { toString: 1.5 } },
    })
    for (const variables of ['{__proto__: 1}', '{a: {__proto__: {b: 1}}}'])
      expect(file(variables).faults.map(({ line }) => line)).toEqual([5])
  })

  it('a value in a key that is refused is not asked for its variables', () => {
    expect(
      readServices('services:\n  web:\n    image: n:1\n    build: {context: "${NONE}"}\n').faults.map(brief),
    ).toEqual(['4 services.web.build service.key_unsupported'])
  })
})
