import { describe, expect, it } from 'vitest'
import { readServices } from '../index.ts'

const PLAYBOOK = 'playbook: mine/api, unit: api.service'
const read = (keys: string, own = '') =>
  readServices(`services:\n  api:\n${keys}    x-rollcall: {${PLAYBOOK}${own}}\n`)
const faultsOf = (keys: string, own = '') => read(keys, own).faults.map(({ key }) => key)

describe('services of a file that playbooks make', () => {
  it('a playbook service keeps its variables, its unit, its ports, and the room that the placement is to keep for it', () => {
    const { spec, faults } = read(
      '    ports: ["8080:8080"]\n    deploy: {replicas: 2, resources: {reservations: {cpus: "0.5", memory: 64M}}}\n',
      ', variables: {api_port: 8080}',
    )
    expect(faults).toEqual([])
    expect(spec?.groups).toMatchObject([
      {
        name: 'api',
        replicas: 2,
        services: [
          {
            ports: [{ target: 8080, published: 8080 }],
            runs: {
              kind: 'playbook',
              playbook: {
                name: 'mine/api',
                unit: 'api.service',
                variables: { api_port: 8080 },
                reservedCpus: 0.5,
                reservedMemoryBytes: 64 * 1024 * 1024,
              },
            },
          },
        ],
      },
    ])
  })

  it('a playbook service is refused with every key that is about containers, since nothing would carry it out', () => {
    for (const [key, line] of Object.entries({
      image: 'image: nginx:1',
      environment: 'environment: {A: b}',
      user: 'user: "1000"',
      restart: 'restart: always',
      cap_add: 'cap_add: [NET_ADMIN]',
      labels: 'labels: {a: b}',
      mem_limit: 'mem_limit: 64M',
    }))
      expect(faultsOf(`    ${line}\n`), key).toEqual([`services.api.${key}`])
    for (const own of ['spares: 1', 'pull: host', 'secret_environment: {A: b}', 'allow_privileged: true'])
      expect(faultsOf('', `, ${own}`), own).toEqual([`services.api.x-rollcall.${own.split(':')[0]}`])
    expect(faultsOf('    deploy: {resources: {limits: {memory: 64M}}}\n')).toEqual([
      'services.api.deploy.resources.limits',
    ])
  })

  it('a playbook service has the ports of the host alone, since nothing stands between', () => {
    expect(faultsOf('    ports: ["8080"]\n')).toEqual(['services.api.ports'])
    expect(faultsOf('    ports: ["80:8080"]\n')).toEqual(['services.api.ports'])
    expect(faultsOf('    ports: ["127.0.0.1:8080:8080", "53:53/udp"]\n')).toEqual([])
  })

  it('a playbook service is checked by what can be reached, and by processes only where a unit has them', () => {
    expect(faultsOf('', ', checks: [{http: /up, port: 80}, {tcp: 80}, {process: api}]')).toEqual([])
    expect(faultsOf('', ', checks: [{command: [true]}]')).toEqual(['services.api.x-rollcall.checks'])
    const { faults } = readServices(
      'services:\n  api:\n    x-rollcall: {playbook: mine/api, checks: [{process: api}, {tcp: 80}]}\n',
    )
    expect(faults.map(({ key, line }) => [key, line])).toEqual([['services.api.x-rollcall.checks', 3]])
  })

  it('a playbook service never ends, so that nothing can wait for its end', () => {
    const { faults } = readServices(
      `services:\n  api:\n    x-rollcall: {${PLAYBOOK}}\n  web:\n    image: n:1\n    depends_on: {api: {condition: service_completed_successfully}}\n`,
    )
    expect(faults.map(({ key }) => key)).toEqual(['services.api.x-rollcall.playbook'])
  })
})
