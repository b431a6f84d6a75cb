import { fileURLToPath } from 'node:url'
import { ADMIN_ROUTES, type AdminRouteName, ROLE_PERMISSIONS } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { CALLERS, type Caller, renderMatrix, toCell } from './testing/route-matrix.ts'

const PAGE = fileURLToPath(new URL('../../../docs/route-matrix.md', import.meta.url))

const caller = (name: string) => CALLERS.find((each) => each.name === name) as Caller

describe('the route matrix', () => {
  it('the route matrix in the documentation equals what the contract declares', async () => {
    await expect(renderMatrix()).toMatchFileSnapshot(PAGE)
  })

  it('the route matrix lets a key do what its owner may, except for the account of the owner', () => {
    for (const [name, route] of Object.entries(ADMIN_ROUTES))
      for (const owner of ['viewer', 'scoped viewer', 'scoped operator', 'operator', 'admin'])
        expect([name, owner, toCell(route, caller(`key of a ${owner}`))]).toEqual([
          name,
          owner,
          route.access === 'person' ? '403' : toCell(route, caller(owner)),
        ])
  })

  it('the route matrix denies fleet-wide routes to scoped callers, and changes to viewers except of their account', () => {
    const names = Object.keys(ADMIN_ROUTES) as AdminRouteName[]
    for (const name of names) {
      const { access, method, scope } = ADMIN_ROUTES[name]
      if (scope === 'whole-fleet')
        for (const who of ['scoped viewer', 'scoped operator'])
          expect([name, toCell(ADMIN_ROUTES[name], caller(who))]).not.toContain('yes')
      const isOpen = access === 'public' || access === 'person' || access === 'signed-in'
      if (method === 'GET' || isOpen || ROLE_PERMISSIONS.viewer.includes(access)) continue
      expect([name, toCell(ADMIN_ROUTES[name], caller('viewer'))]).toEqual([name, '403'])
    }
  })
})
