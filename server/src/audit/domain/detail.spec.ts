import { ADMIN_ROUTES } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { boundDetail, MAX_DETAIL_BYTES, toDetail } from './detail.ts'

const ofRun = (body: unknown) => toDetail(ADMIN_ROUTES.run, { params: {}, query: {}, body })
const ofHost = (body: unknown) => toDetail(ADMIN_ROUTES.addHost, { params: {}, query: {}, body })
const toBytes = (detail: unknown) => Buffer.byteLength(JSON.stringify(detail))

describe('what an audit entry says of a request', () => {
  it('an audit entry holds no field that the route does not declare, at any depth', () => {
    const body = {
      program: 'true',
      hosts: ['in'],
      MARKER: 'MARKER',
      __proto__: { MARKER: 1 },
      limits: { MARKER: 'x' },
      cwd: { MARKER: 'MARKER' },
      env: 'MARKER',
    }
    expect(JSON.stringify(ofRun(body))).not.toContain('MARKER')
    expect(ofRun(body)).toMatchObject({ program: 'true', hosts: ['in'] })
    const credential = { type: 'password', user: 'root', MARKER: 'MARKER' }
    expect(JSON.stringify(ofHost({ name: 'x', credential, MARKER: [] }))).not.toContain('MARKER')
    for (const odd of [null, 'MARKER', ['MARKER'], 7]) expect(ofRun(odd)).toEqual({})
  })

  it('an audit entry holds at most 4 KiB of a request, whatever is sent', () => {
    const long = 'x'.repeat(100_000)
    for (const body of [
      { program: long, args: Array(5000).fill(long), hosts: Array(5000).fill('\u0001'.repeat(60)) },
      { program: '€'.repeat(3000), args: Array(5000).fill('\ud83d\ude00'.repeat(300)) },
      { args: Array(5000).fill('"\\'.repeat(300)) },
      { hosts: Array(50_000).fill(1) },
      { hosts: Array(500).fill('a'), args: Array(50).fill('b'.repeat(490)) },
    ])
      expect(toBytes(ofRun(body))).toBeLessThanOrEqual(MAX_DETAIL_BYTES)
    const labels = Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`${'k'.repeat(500)}${i}`, long]),
    )
    expect(toBytes(ofHost({ name: 'x', labels }))).toBeLessThanOrEqual(MAX_DETAIL_BYTES)
    expect(toBytes(boundDetail({ a: { b: { c: { d: { e: { f: long } } } } } }))).toBeLessThan(200)
  })

  it('the detail of an audit entry is storable, and no longer than the request', () => {
    const body = { program: '\ud800'.repeat(600), args: ['\0'.repeat(600), '\udc00'], cwd: 'a\0b' }
    const text = JSON.stringify(ofRun(body))
    expect(text).not.toMatch(/\\u0000|\\ud[89a-f]/)
    expect(boundDetail({ a: 1e308, b: 5e-324, c: -1e300, d: 1.5, e: 7 })).toEqual({
      a: '1e+308',
      b: '5e-324',
      c: '-1e+300',
      d: 1.5,
      e: 7,
    })
  })

  it('an audit entry of a plan of services holds nothing of its files, and of its variables the names', () => {
    const body = {
      project: 'shop',
      text: 'services: {web: {environment: {GREETING: MARKER}}}',
      files: [{ path: 'web.env', text: 'GREETING=MARKER' }],
      variables: { GREETING: 'MARKER' },
    }
    const detail = toDetail(ADMIN_ROUTES.planServices, { params: {}, query: {}, body })
    expect(JSON.stringify(detail)).not.toContain('MARKER')
    expect(detail).toMatchObject({ project: 'shop', variables: ['GREETING'], files: [{ path: 'web.env' }] })
  })

  it('secrets among the words of a program are not in an audit entry, whichever field has them', () => {
    const route = { params: z.object({}), query: z.object({}), body: z.object({ argv: z.array(z.string()) }) }
    const detail = toDetail(route, { body: { argv: ['mysql', '-pMARKER', '--host', 'db'] } })
    expect(detail).toEqual({ argv: ['mysql', '-p(not shown)', '--host', 'db'] })
  })

  it('an audit entry names environment variables without values, and keeps labels', () => {
    expect(ofRun({ program: 'true', env: { TOKEN: 'MARKER' } })).toMatchObject({ env: ['TOKEN'] })
    expect(ofHost({ name: 'x', labels: { env: 'prod' } })).toMatchObject({ labels: { env: 'prod' } })
  })
})
