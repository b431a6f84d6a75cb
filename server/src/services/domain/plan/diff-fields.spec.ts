import { describe, expect, it } from 'vitest'
import { diffServices, toShownChanges } from './diff-fields.ts'
import { resolved } from './testing/plan-views.ts'

const file = (web: string, more = '') => {
  const [first] = resolved(`name: shop\nservices:\n  web:\n    image: web:1\n${web}${more}`)
  if (!first) throw new Error('the file has no service')
  return first
}
const diff = (before: ReturnType<typeof file>, after: ReturnType<typeof file>) =>
  diffServices(before, after).map(({ path, before, after }) => [path, before, after])

describe('what differs between two states of a service', () => {
  it('each field that differs is named by its path in the file, with both values', () => {
    const before = file(
      '    environment: {LOG: info, OLD: "1"}\n    ports: ["8080:80"]\n    read_only: true\n',
    )
    const after = file('    environment: {LOG: debug, NEW: "2"}\n    ports: ["8081:80"]\n    user: "1000"\n')
    expect(diff(before, after)).toEqual([
      ['services.web.ports.80/tcp', '8080', '8081'],
      ['services.web.user', null, '1000'],
      ['services.web.environment.LOG', 'info', 'debug'],
      ['services.web.environment.NEW', null, '2'],
      ['services.web.environment.OLD', '1', null],
      ['services.web.read_only', 'true', null],
    ])
  })

  it('a secret is told by its version and a config by its hash, never by their content', () => {
    const secret = '    secrets: [db]\n    configs: [app]\n'
    const tail = (content: string) =>
      `configs: {app: {content: "${content}"}}\nsecrets: {db: {external: true}}\n`
    const [before] = resolved(`name: shop\nservices:\n  web:\n    image: web:1\n${secret}${tail('hush-1')}`)
    const [after] = resolved(`name: shop\nservices:\n  web:\n    image: web:1\n${secret}${tail('hush-2')}`, {
      secret: 2,
    })
    if (!before || !after) throw new Error('the file has no service')
    const changes = diff(before, after)
    expect(changes.map(([path]) => path)).toEqual(['configs.app', 'secrets.db'])
    expect(changes[1]).toEqual(['secrets.db', 'version 1', 'version 2'])
    expect(JSON.stringify(changes)).not.toContain('hush')
  })

  it('values of variables are hidden from those who may not change services, and other values are not', () => {
    const changes = diffServices(
      file('    environment: {PASSWORD: one}\n    user: "1"\n'),
      file('    environment: {PASSWORD: two}\n    user: "2"\n'),
    )
    const shown = toShownChanges(changes, false)
    expect(shown).toEqual([
      { path: 'services.web.user', before: '1', after: '2', isHidden: false },
      { path: 'services.web.environment.PASSWORD', before: null, after: null, isHidden: true },
    ])
    expect(JSON.stringify(toShownChanges(changes, true))).toContain('two')
  })

  it('long values that differ only beyond what is shown differ in their hash', () => {
    const long = (end: string) => file(`    command: ["${'x'.repeat(600)}${end}"]\n`)
    const [[, before, after] = []] = diff(long('a'), long('b'))
    expect(before).not.toBe(after)
    expect(before?.length).toBeLessThan(600)
  })

  it('nothing differs between a service and itself, whatever it has', () => {
    const everything = file(
      '    command: [a, b]\n    ports: ["80"]\n    volumes: ["data:/data:ro", "/srv:/srv", {type: tmpfs, target: /tmp}]\n    deploy: {resources: {limits: {cpus: "0.5", memory: 64M}}}\n    x-rollcall: {checks: [{http: /up, port: 80}], gateway: {host: a.example, port: 80}}\n',
      'volumes: {data: }\n',
    )
    expect(diffServices(everything, everything)).toEqual([])
  })
})
