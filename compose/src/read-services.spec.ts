import { describe, expect, it } from 'vitest'
import { type Fault, readServices } from './index.ts'

const read = (text: string, variables: Record<string, string> = {}) => readServices(text, variables)
/** Reads one service, given by its lines below `services.web`. */
const readWeb = (lines: string, variables: Record<string, string> = {}) =>
  read(`services:\n  web:\n    image: nginx:1\n${lines.replace(/^/gm, '    ')}`, variables)
const brief = ({ line, key, code }: Fault) => `${line} ${key} ${code}`
const faultsOf = (lines: string, variables?: Record<string, string>) =>
  readWeb(lines, variables).faults.map(brief)

describe('what bad input gets', () => {
  it('every unsupported key of a file is named at once, with line, column and what to write instead', () => {
    const { spec, faults } = read(
      'services:\n  web:\n    build: .\n    imge: nginx\n    privileged: true\n    healthcheck: {tests: []}\ninclude: [x.yml]\nfoo: 1\n',
    )
    expect(spec).toBeUndefined()
    expect(faults.map(brief)).toEqual([
      '3 services.web.build service.key_unsupported',
      '4 services.web.imge service.key_unsupported',
      '5 services.web.privileged service.key_unsupported',
      '6 services.web.healthcheck service.invalid',
      '6 services.web.healthcheck.tests service.key_unsupported',
      '7 include service.key_unsupported',
      '8 foo service.key_unsupported',
    ])
    expect(faults[1]).toMatchObject({ column: 5, instead: 'did you mean image?' })
    expect(faults[4]?.instead).toBe('did you mean test?')
  })

  it('a key is not said to be taken where something in it is refused or means something else', () => {
    const { keys } = readWeb('ports: ["80", "x"]\ncommand: a\nhealthcheck: {disable: false}')
    expect(keys.map(({ key, standing }) => `${key} ${standing}`)).toEqual([
      'services.web.image taken',
      'services.web.command taken',
      'services.web.healthcheck otherwise',
    ])
  })

  it('what is said twice in different words is refused, and what is said twice alike is taken', () => {
    const limits = (more: string) =>
      `deploy: {replicas: 2, resources: {limits: {memory: 64m, cpus: 1, pids: 9}, reservations: {memory: 32m}}}\n${more}`
    for (const [key, same, other] of [
      ['scale', '2', '3'],
      ['mem_limit', '64m', '65m'],
      ['cpus', '1.0', '2'],
      ['pids_limit', '9', '8'],
      ['mem_reservation', '32768k', '33m'],
    ]) {
      expect(faultsOf(limits(`${key}: ${same}`)), key).toEqual([])
      expect(faultsOf(limits(`${key}: ${other}`)), key).toEqual([`5 services.web.${key} service.invalid`])
    }
    expect(faultsOf('deploy:\n  mode: global\n  replicas: 2')).toEqual([
      '6 services.web.deploy.replicas service.invalid',
    ])
  })

  it('an option of a mount that changes nothing is told, and one that cannot be kept is refused', () => {
    const noticesOf = (line: string) =>
      readWeb(line)
        .keys.filter(({ standing }) => standing === 'otherwise')
        .map(({ key }) => key)
    expect(noticesOf('volumes: ["/a:/b:cached"]')).toEqual(['services.web.volumes.0'])
    expect(noticesOf('tmpfs: "/run:noexec,nosuid,nodev"')).toEqual([])
    expect(faultsOf('tmpfs: "/run:exec"')).toEqual(['4 services.web.tmpfs service.invalid'])
  })

  it('a circle of dependencies is told as its path, and nothing is returned', () => {
    const { spec, faults } = read(
      'services:\n  a: {image: a:1, depends_on: [b]}\n  b: {image: b:1, depends_on: {c: {condition: service_started}}}\n  c: {image: c:1, depends_on: [a]}\n',
    )
    expect(spec).toBeUndefined()
    expect(faults.map(brief)).toEqual(['4 services.c.depends_on.a service.cycle'])
    expect(faults[0]?.reason).toContain('a → b → c → a')
    expect(read('services: {a: {image: a:1, depends_on: [a]}}').faults[0]?.reason).toContain('a → a')
  })

  it('a dependency on a service that is not there is named, unless it need not be there', () => {
    expect(faultsOf('depends_on: [db]')).toEqual(['4 services.web.depends_on.db service.invalid'])
    const { spec, keys } = readWeb('depends_on: {db: {condition: service_started, required: false}}')
    expect(spec?.groups[0]?.services[0]?.dependsOn).toEqual([])
    expect(keys.some(({ says }) => says.includes('db is not in this file'))).toBe(true)
  })

  it('a text of twelve megabytes is refused before it is parsed', () => {
    const startedAt = process.cpuUsage()
    const { faults } = read(`services:\n${'  # x\n'.repeat(2_000_000)}`)
    expect(faults.map(brief)).toEqual(['1  request.too_large'])
    expect(process.cpuUsage(startedAt).user).toBeLessThan(1_000_000)
  })

  it('aliases that multiply what they repeat are refused by their number, and by what they become', () => {
    const bomb = Array.from(
      { length: 9 },
      (_, i) => `x-${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`,
    )
    expect(read(`x-0: &a0 [lol]\n${bomb.join('\n')}\nservices: {}`).faults.map(({ code }) => code)).toEqual([
      'request.too_large',
    ])
    const many = `x-a: &a 1\nservices:\n  w:\n    image: n:1\n    command: [${Array(101).fill('*a').join(', ')}]\n`
    expect(read(many).faults).toMatchObject([{ code: 'request.too_large', line: 5 }])
  })

  it('an alias within its own anchor, and one without an anchor, are refused with their line', () => {
    expect(read('services: &a\n  web: *a\n').faults.length).toBeGreaterThan(0)
    expect(read('services:\n  web: *none\n').faults[0]).toMatchObject({
      line: 2,
      reason: 'has an alias without its anchor',
    })
  })

  it('more than 200 services are refused, and 200 are read within a second of the processor', () => {
    const file = (count: number) =>
      `services:\n${Array.from(
        { length: count },
        (_, i) => `  s${i}:\n    image: n:1\n    depends_on: [s${Math.max(0, i - 1)}]\n`,
      )
        .join('')
        .replace('    depends_on: [s0]\n', '')}`
    expect(read(file(201)).faults.map(brief)).toEqual(['2 services request.too_large'])
    const startedAt = process.cpuUsage()
    expect(read(file(200)).spec?.groups[0]?.services.map(({ name }) => name)).toEqual(
      Array.from({ length: 200 }, (_, i) => `s${i}`),
    )
    expect(process.cpuUsage(startedAt).user).toBeLessThan(1_000_000)
  })

  it('names with two dots, slashes, percent signs and NUL are refused wherever a name stands', () => {
    for (const name of ['a..b', 'a/b', 'a%n', '"a\\0b"', '-a', 'a b', '$a', '"a\\nb"']) {
      expect(read(`services: {${name}: {image: n:1}}`).spec, name).toBeUndefined()
      expect(read(`services: {web: {image: n:1}}\nvolumes: {${name}: {}}`).spec, name).toBeUndefined()
      expect(readWeb(`secrets: [${name}]`).spec, name).toBeUndefined()
      expect(readWeb(`configs: [${name}]`).spec, name).toBeUndefined()
      expect(readWeb(`hostname: ${name}`).spec, name).toBeUndefined()
      expect(readWeb(`volumes: ["${name.replaceAll('"', '')}:/data"]`).spec, name).toBeUndefined()
    }
    expect(read('name: Shop\nservices: {web: {image: n:1}}').faults.map(brief)).toEqual([
      '1 name service.invalid',
    ])
  })

  it('names of the form of an id are refused, since they could be taken for one', () => {
    for (const id of ['0d0a5b6e-1111-4222-8333-444455556666', '0D0A5B6E-1111-4222-8333-444455556666']) {
      expect(read(`services: {${id}: {image: n:1}}`).spec).toBeUndefined()
      expect(read(`services: {web: {image: n:1}}\nsecrets: {${id}: {external: true}}`).spec).toBeUndefined()
      expect(read(`services: {web: {image: n:1}}\nsecrets: {a${id}: {external: true}}`).faults).toEqual([])
    }
    expect(
      read('name: 0d0a5b6e-1111-4222-8333-444455556666\nservices: {web: {image: n:1}}').faults.map(brief),
    ).toEqual(['1 name service.invalid'])
  })

  it('a value with a line break in environment is refused by its name, and the value is in no fault', () => {
    const { faults } = readWeb(
      'environment:\n  GOOD: x\n  BAD: "hunter2\\nPATH=/evil"\n  ALSO: "${SECRET}"',
      {
        SECRET: 'hunter2\nEVIL=1',
      },
    )
    expect(faults.map(brief)).toEqual([
      '6 services.web.environment.BAD service.invalid',
      '7 services.web.environment.ALSO service.invalid',
    ])
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  })

  it('no fault ever repeats the value of a variable', () => {
    const secret = 'hunter2 "\\x'
    const lines = [
      'hostname: ${S}',
      'ports: ["${S}"]',
      'volumes: ["${S}:${S}"]',
      'mem_limit: ${S}',
      'environment: {"A": "${S}", B: "${S:?${S}}${NONE}"}',
      'stop_grace_period: ${S}',
      'user: ${S}',
      'deploy: {replicas: "${S}", placement: {constraints: ["${S}"]}}',
      'extra_hosts: ["a:${S}"]',
      'logging: {driver: "${S}"}',
      'security_opt: ["${S}"]',
      'x-rollcall: {place: {select: "${S} ("}, checks: [{http: "${S}"}]}',
      'command: "${S}"',
    ]
    for (const line of lines) {
      const { faults } = readWeb(line, { S: secret })
      expect(JSON.stringify(faults), line).not.toContain('hunter2')
    }
    expect(readServices('services: {web: {image: "${S}"}}', { S: 'hunter2 x' }).faults).toHaveLength(1)
  })

  it('a shared volume of one instance needs a fence', () => {
    const file = (fence: string) =>
      `services:\n  web:\n    image: n:1\n    volumes: [d:/d]\n    x-rollcall: {volumes: {d: {move: shared}}${fence}}\nvolumes: {d: }\n`
    expect(read(file('')).faults).toMatchObject([
      { line: 5, instead: 'say fence: lease or confirm; two writers can destroy it' },
    ])
    expect(read(file(', fence: confirm')).faults).toEqual([])
  })

  it('a lease that ends before its host is seen as offline is refused with the bound', () => {
    const { faults } = readWeb('x-rollcall: {fence: lease, lease: 5s}')
    expect(faults[0]?.reason).toContain('from 18s to 1h')
    expect(faultsOf('x-rollcall: {lease: 30s}')).toEqual(['4 services.web.x-rollcall.lease service.invalid'])
  })

  it('two services of a group cannot have one port of the host', () => {
    const { faults } = read(
      'services:\n  a: {image: n:1, ports: ["80:80"]}\n  b: {image: n:1, ports: ["127.0.0.1:80:8080"]}\n',
    )
    expect(faults).toMatchObject([{ line: 3, key: 'services.b.ports' }])
    expect(
      read('services:\n  a: {image: n:1, ports: ["80:80"]}\n  b: {image: n:1, ports: ["80:80/udp"]}\n')
        .faults,
    ).toEqual([])
  })

  it('what gives a container the whole host needs allow_privileged', () => {
    const lines = [
      'privileged: true',
      'pid: host',
      'ipc: host',
      'security_opt: [seccomp=unconfined]',
      'volumes: ["/var/run/docker.sock:/s"]',
      'volumes: ["/:/host:ro"]',
    ]
    for (const line of lines) {
      expect(readWeb(line).faults, line).toMatchObject([{ code: 'service.key_unsupported', line: 4 }])
      expect(readWeb(`${line}\nx-rollcall: {allow_privileged: true}`).faults, line).toEqual([])
    }
    expect(
      faultsOf('volumes: ["/etc/rollcall-services/x:/x"]\nx-rollcall: {allow_privileged: true}'),
    ).toHaveLength(1)
    expect(faultsOf('privileged: false\nsecurity_opt: ["no-new-privileges:true"]')).toEqual([])
  })

  it('paths with steps upward, colons or beside the file are refused', () => {
    for (const mount of [
      './data:/data',
      '~/x:/x',
      '../x:/x',
      '/a/../b:/x',
      'd:/a/../b',
      'd:relative',
      'd:/a:bogus',
      '/a:/b:c:d',
    ])
      expect(readWeb(`volumes: ["${mount}"]`).spec, mount).toBeUndefined()
  })

  it('a file that is no mapping, or has no services, is refused', () => {
    for (const text of [
      '',
      '[]',
      'x',
      'name: a',
      'services: []',
      'services: {web: 1}',
      '---\na: 1\n---\nb: 2\n',
      '\t- a',
      'a: b: c',
      '{',
    ])
      expect(read(text).faults.length, JSON.stringify(text)).toBeGreaterThan(0)
  })

  it('a key that is there twice is refused with both lines', () => {
    expect(read('services:\n  web:\n    image: a:1\n    image: b:1\n').faults).toMatchObject([
      { line: 4, key: 'image', instead: 'keep one; the other is in line 3' },
    ])
  })

  it('a number that YAML would change is refused where a text is meant', () => {
    for (const value of ['022', '1.10', '1e3', '0x1F', '1_000.5', '.inf'])
      expect(faultsOf(`environment: {A: ${value}}`).length, value).toBeLessThanOrEqual(1)
    expect(faultsOf('environment: {A: 022}')).toEqual(['4 services.web.environment.A service.invalid'])
    expect(faultsOf('environment: {A: "022", B: 22, C: -1, D: 1.5, E: true}')).toEqual([])
  })
})
