import { describe, expect, it } from 'vitest'
import { readServices } from '../index.ts'

const FILE = `name: site
x-limits: &limits
  resources:
    limits: {memory: 64M}
services:
  api:
    ports:
      - "8080:8080"
      - "8081:8081"
    deploy:
      <<: *limits
      replicas: 2
    x-rollcall:
      playbook: site/api
      variables:
        api_port: 8080
  my.app:
    image: n:1
`
const toLine = (path: string) => readServices(FILE).findKey(path)?.line

describe('the place of a key in a file', () => {
  it('a key is found at its own line however deep it is, and in a file that is refused', () => {
    expect(readServices(FILE).faults).not.toEqual([])
    expect(toLine('services.api')).toBe(6)
    expect(toLine('services.api.ports.1')).toBe(9)
    expect(toLine('services.api.deploy.replicas')).toBe(12)
    expect(readServices(FILE).findKey('services.api.x-rollcall.variables.api_port')).toMatchObject({
      line: 16,
      column: 9,
    })
  })

  it('a key that an alias merges in is found where it is written', () => {
    expect(toLine('services.api.deploy.resources.limits.memory')).toBe(4)
  })

  it('a name with a dot in it is found with quotes and without', () => {
    expect(toLine('services.my.app.image')).toBe(18)
    expect(toLine('services."my.app".image')).toBe(18)
  })

  it('a key that is not in the file is not found', () => {
    for (const path of ['services.web', 'services.api.image', 'services.api.ports.2', 'name.x', 'serv', ''])
      expect(toLine(path), path).toBeUndefined()
    expect(readServices('').findKey('name')).toBeUndefined()
    expect(readServices('a: [').findKey('b')).toBeUndefined()
  })
})
