import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ADMIN_ROUTES, defineRoute, type Route } from './index.ts'

const ROUTES = Object.entries(ADMIN_ROUTES) as [string, Route][]
const whole = {
  summary: 'A thing.',
  access: 'hosts:read',
  response: z.strictObject({}),
} as const
const PATH = '/api/things/:id'
const params = z.strictObject({ id: z.string() })

describe('a route', () => {
  it('a route without access, scope or audit does not compile', () => {
    defineRoute('GET', PATH, { ...whole, params, scope: { run: 'params.id' }, audit: 'refusals' })
    // @ts-expect-error without a scope
    defineRoute('GET', PATH, { ...whole, params, audit: 'refusals' })
    // @ts-expect-error without audit
    defineRoute('GET', PATH, { ...whole, params, scope: 'none' })
    const { access: _, ...open } = whole
    // @ts-expect-error without access
    defineRoute('GET', PATH, { ...open, params, scope: 'none', audit: 'never' })
    // @ts-expect-error the scope names a parameter that the path does not have
    defineRoute('GET', PATH, { ...whole, params, scope: { host: 'params.host' }, audit: 'refusals' })
    // @ts-expect-error the scope names a kind of thing that the guard does not know
    defineRoute('GET', PATH, { ...whole, params, scope: { thing: 'params.id' }, audit: 'refusals' })
  })

  it('a route with a host, command, run or transfer in its path is scoped by it', () => {
    const PLACES = [
      ['/api/hosts/:host', { host: 'params.host' }],
      ['/api/commands/:id', { command: 'params.id' }],
      ['/api/runs/:id', { run: 'params.id' }],
      ['/api/transfers/:id', { transfer: 'params.id' }],
    ] as const
    for (const [name, { path, scope }] of ROUTES)
      for (const [start, expected] of PLACES)
        if (`${path}/`.startsWith(`${start}/`)) expect([name, scope]).toEqual([name, expected])
  })

  it('a public route concerns no host', () => {
    for (const [name, { access, scope }] of ROUTES)
      if (access === 'public') expect([name, scope]).toEqual([name, 'none'])
  })

  it('every route but GET is audited, except those that change nothing or would flood the log', () => {
    const QUIET = [
      'addContent',
      'beginSso',
      'missingContents',
      'previewTarget',
      'readInstanceLogs',
      'readServiceLogs',
      'resizeTerminal',
      'writeInput',
    ]
    const quiet = ROUTES.filter(([, { method, audit }]) => method !== 'GET' && audit !== 'always')
    expect(quiet.map(([name]) => name).sort()).toEqual(QUIET)
  })
})
