import type { KeyView, Permission } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { type TestRequest, TestServer } from '../testing/test-server.ts'

let server: TestServer
let count = 0

beforeAll(async () => {
  server = await TestServer.open()
  const at = new Date()
  await addTestHost(server.test.database, { name: 'in', labels: { env: 'prod' }, at })
  await addTestHost(server.test.database, { name: 'out', labels: { env: 'test' }, at })
  await server.person('root@example.com', 'admin')
})
afterAll(() => server?.[Symbol.asyncDispose]())

const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)

async function ok(path: string, asked: TestRequest) {
  const { status, json } = await server.ask(path, asked)
  if (status >= 300) throw new Error(`${path}: ${JSON.stringify(json)}`)
  return json
}

/** A key that somebody makes for themselves. */
async function keyOf(maker: TestRequest, permissions: Permission[], more: object = {}) {
  const body = { name: `k${++count}`, permissions, ...more }
  return (await ok('/api/keys', { method: 'POST', body, ...maker })) as { key: KeyView; secret: string }
}
const shownKey = async (id: string) => {
  const { keys } = (await ok('/api/keys', { key: server.localKey })) as { keys: KeyView[] }
  return keys.find((key) => key.id === id)
}
const versionOf = async (id: string) =>
  (await query('SELECT version FROM app_user WHERE id = $1', [id])).rows[0].version
const changeUser = async (id: string, change: object, as: TestRequest = { key: server.localKey }) =>
  server.ask(`/api/users/${id}`, {
    method: 'PATCH',
    body: { version: await versionOf(id), ...change },
    ...as,
  })
const hostsFor = async (key: string) => {
  const { status, json } = await server.ask('/api/hosts', { key })
  return status === 200 ? json.hosts.map(({ name }: { name: string }) => name) : status
}

describe('a key', () => {
  it('a key is limited to what its owner may do now: demoted, scoped, disabled and removed', async () => {
    const owner = await server.person('owner@example.com', 'admin')
    const { key, secret } = await keyOf(owner, ['hosts:read', 'commands:run', 'users:read'])
    expect(key).toMatchObject({ owner: { id: owner.id, email: 'owner@example.com' }, parent: null })
    expect((await server.ask('/api/users', { key: secret })).status).toBe(200)
    await changeUser(owner.id, { role: 'viewer' })
    expect((await server.ask('/api/users', { key: secret })).code).toBe('request.forbidden')
    expect(await shownKey(key.id)).toMatchObject({ permissionsNow: ['hosts:read'] })
    await changeUser(owner.id, { scope: ['env=prod'] })
    expect(await hostsFor(secret)).toEqual(['in'])
    await changeUser(owner.id, { isDisabled: true })
    expect(await hostsFor(secret)).toBe(401)
    expect(await shownKey(key.id)).toMatchObject({ permissionsNow: [] })
    await changeUser(owner.id, { isDisabled: false })
    expect(await hostsFor(secret)).toEqual(['in'])
    await server.ask(`/api/users/${owner.id}`, { method: 'DELETE', key: server.localKey })
    expect(await hostsFor(secret)).toBe(401)
    expect(await shownKey(key.id)).toBeUndefined()
  })

  it('a key made by a key ends with it, and has no more permissions, hosts or time', async () => {
    const owner = await server.person('parent@example.com', 'admin')
    const parent = await keyOf(owner, ['keys:write', 'hosts:read'], {
      scope: ['env=prod'],
      expiresInDays: 5,
    })
    const as = { key: parent.secret }
    const refused = async (permissions: Permission[], more: object) =>
      (
        await server.ask('/api/keys', {
          method: 'POST',
          body: { name: 'more', permissions, ...more },
          ...as,
        })
      ).json.error.fields[0].field
    expect(await refused(['users:write'], { scope: ['env=prod'] })).toBe('permissions')
    expect(await refused(['hosts:read'], {})).toBe('scope')
    expect(await refused(['hosts:read'], { scope: ['env in (prod,test)'] })).toBe('scope')
    const child = await keyOf(as, ['keys:write', 'hosts:read'], {
      scope: ['env=prod', '!legacy'],
      expiresInDays: null,
    })
    expect(child.key).toMatchObject({ owner: { id: owner.id }, parent: parent.key.name })
    expect(child.key.expiresAt).toBe(parent.key.expiresAt)
    const grandchild = await keyOf({ key: child.secret }, ['hosts:read'], { scope: ['env=prod,!legacy'] })
    expect(await hostsFor(grandchild.secret)).toEqual(['in'])
    await query(`UPDATE api_key SET expires_at = now() - interval '1 s' WHERE id = $1`, [parent.key.id])
    await expect.poll(() => hostsFor(grandchild.secret), { timeout: 15_000 }).toBe(401)
    await query('UPDATE api_key SET expires_at = NULL WHERE id = $1', [parent.key.id])
    await expect.poll(() => hostsFor(grandchild.secret), { timeout: 15_000 }).toEqual(['in'])
    await ok(`/api/keys/${parent.key.id}`, { method: 'DELETE', key: server.localKey })
    expect([await hostsFor(child.secret), await hostsFor(grandchild.secret)]).toEqual([401, 401])
  })

  it('keys make keys in a chain of at most eight, and cannot take the name of a server key', async () => {
    const owner = await server.person('row@example.com', 'admin')
    let as: TestRequest = owner
    for (let link = 1; link <= 8; link++) as = { key: (await keyOf(as, ['keys:write', 'hosts:read'])).secret }
    expect(await hostsFor(as.key ?? '')).toEqual(['in', 'out'])
    const make = (name: string, maker: TestRequest) => {
      const body = { name, permissions: ['hosts:read'] }
      return server.ask('/api/keys', { method: 'POST', body, ...maker })
    }
    for (const refused of [await make('ninth', as), await make('local-0badc0de', owner)])
      expect(refused.json.error.fields).toMatchObject([{ field: 'name' }])
  })

  it('a key made by the key of the server belongs to the server or to the named user', async () => {
    const owner = await server.person('named@example.com', 'viewer')
    const make = { key: server.localKey }
    expect((await keyOf(make, ['hosts:read'])).key).toMatchObject({ owner: null, parent: expect.any(String) })
    const { key, secret } = await keyOf(make, ['hosts:read', 'audit:read'], { owner: 'named@example.com' })
    expect(key).toMatchObject({ owner: { id: owner.id }, permissionsNow: ['hosts:read'] })
    expect((await server.ask('/api/audit', { key: secret })).code).toBe('request.forbidden')
    const other = await server.person('other@example.com', 'admin')
    const body = { name: 'foreign', permissions: ['hosts:read'], owner: 'named@example.com' }
    const foreign = await server.ask('/api/keys', { method: 'POST', body, cookie: other.cookie })
    expect(foreign.json.error.fields).toMatchObject([{ field: 'owner' }])
    const unknownOwner = { ...body, owner: 'nobody@example.com' }
    const missing = await server.ask('/api/keys', { method: 'POST', body: unknownOwner, ...make })
    expect(missing.json.error.fields).toMatchObject([{ field: 'owner' }])
  })

  it('a key without an owner, left by an earlier release, is refused with a reason', async () => {
    const { key, secret } = await keyOf({ key: server.localKey }, ['hosts:read'])
    await query('UPDATE api_key SET parent_id = NULL, owner_id = NULL WHERE id = $1', [key.id])
    await expect.poll(() => hostsFor(secret), { timeout: 15_000 }).toBe(401)
    expect(await shownKey(key.id)).toMatchObject({ owner: null, parent: null, permissionsNow: [] })
  })
})

describe('users:write', () => {
  const usersKey = async () => {
    const owner = await server.person(`u${++count}@example.com`, 'admin')
    return { key: (await keyOf(owner, ['users:read', 'users:write'])).secret }
  }

  it('users:write alone grants no role, scope, reset or removal beyond its own rights', async () => {
    const as = await usersKey()
    const victim = await server.person('victim@example.com', 'admin')
    const add = (role: string) =>
      server.ask('/api/users', {
        method: 'POST',
        body: { email: `${role}@new.example`, name: 'New', role },
        ...as,
      })
    for (const role of ['admin', 'operator', 'viewer'])
      expect([role, (await add(role)).code]).toEqual([role, 'access.beyond_own'])
    for (const change of [{ role: 'viewer' }, { isDisabled: true }, { name: 'X' }, { scope: ['env=prod'] }])
      expect([change, (await changeUser(victim.id, change, as)).code]).toEqual([change, 'access.beyond_own'])
    const reset = await server.ask(`/api/users/${victim.id}/reset`, { method: 'POST', ...as })
    expect([reset.code, reset.json.link]).toEqual(['access.beyond_own', undefined])
    const removed = await server.ask(`/api/users/${victim.id}`, { method: 'DELETE', ...as })
    expect(removed.code).toBe('access.beyond_own')
    expect((await server.ask('/api/hosts', { cookie: victim.cookie })).status).toBe(200)
  })

  it('users:write with the rights of a viewer adds and resets viewers, and promotes none', async () => {
    const owner = await server.person('hr@example.com', 'admin')
    const permissions: Permission[] = [
      ...(['users:read', 'users:write', 'hosts:read', 'commands:read', 'files:read'] as const),
      ...(['playbooks:read', 'schedules:read', 'profiles:read', 'upgrades:read'] as const),
      ...(['images:read', 'secrets:read', 'services:read'] as const),
    ]
    const as = { key: (await keyOf(owner, permissions)).secret }
    const body = { email: 'small@example.com', name: 'Small', role: 'viewer' }
    const { user } = await ok('/api/users', { method: 'POST', body, ...as })
    expect((await changeUser(user.id, { name: 'Smaller' }, as)).status).toBe(200)
    expect((await changeUser(user.id, { role: 'operator' }, as)).code).toBe('access.beyond_own')
    expect((await server.ask(`/api/users/${user.id}/reset`, { method: 'POST', ...as })).status).toBe(200)
  })

  it('a reset link made before a promotion of its user is refused afterwards', async () => {
    const body = { email: 'later@example.com', name: 'Later', role: 'viewer' }
    const { user, link } = await ok('/api/users', { method: 'POST', body, key: server.localKey })
    await changeUser(user.id, { role: 'admin' })
    const accept = { token: link.split('#')[1], password: 'correct horse battery' }
    const accepted = await server.ask('/api/invites', { method: 'POST', body: accept })
    expect(accepted.code).toBe('access.link_invalid')
  })
})
