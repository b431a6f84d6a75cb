import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type AuditEntry, PERMISSIONS, ROLE_PERMISSIONS, type Role } from '@rollcall/contracts/admin'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { PASSWORD, type TestRequest, TestServer } from '../testing/test-server.ts'
import { OneTimeLinks } from './index.ts'

const GUIDE = fileURLToPath(new URL('../../../docs/guides/access.md', import.meta.url))

let server: TestServer
let localKey: string
let setupToken: string

beforeAll(async () => {
  server = await TestServer.open()
  localKey = server.localKey
  setupToken = (await server.app.get(OneTimeLinks).makeSetupLink(server.url)).split('#')[1] ?? ''
  const at = new Date()
  const { database } = server.test
  await addTestHost(database, { name: 'in', labels: { env: 'prod' }, at })
  await addTestHost(database, { name: 'out', labels: { env: 'test' }, at })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const ask = (path: string, asked?: TestRequest) => server.ask(path, asked)
const person = (email: string, role: Role, scope: string[] | null = null) => server.person(email, role, scope)
const query = (sql: string, values: unknown[] = []) => server.test.database.pool.query(sql, values)

const signIn = (email: string, password = PASSWORD, more: TestRequest = {}) =>
  ask('/api/session', { method: 'POST', body: { email, password }, ...more })

describe('the first admin', () => {
  it('the first admin is created by the setup link once, and a weak password does not use it up', async () => {
    const body = { token: setupToken, name: 'Ada', email: 'ada@example.com', password: PASSWORD }
    const attempt = (change: object) => ask('/api/setup', { method: 'POST', body: { ...body, ...change } })
    expect((await ask('/api/session')).json).toMatchObject({ principal: null, isSetupNeeded: true })
    expect((await attempt({ token: 'x'.repeat(43) })).code).toBe('access.link_invalid')
    expect((await attempt({ password: 'passwordpassword' })).code).toBe('access.weak_password')
    // Two people open the link at once: one of them becomes the admin.
    const both = await Promise.all([attempt({}), attempt({ name: 'Mallory' })])
    const [first, second] = both.toSorted((a, b) => a.status - b.status)
    expect([first?.status, second?.code]).toEqual([200, 'access.link_invalid'])
    expect(first?.json.principal).toMatchObject({ email: 'ada@example.com', role: 'admin' })
    expect(first?.set.at(-1)).toMatch(/HttpOnly.*SameSite=Strict/)
    expect((await attempt({ email: 'eve@example.com' })).code).toBe('access.link_invalid')
  })
})

describe('attacks', () => {
  it('a page of another site can neither change anything nor sign anybody in', async () => {
    const { cookie } = await signIn('ada@example.com')
    const change = { method: 'POST', body: { address: '127.0.0.1', port: 1 }, cookie }
    const foreignHeaders: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '', 'sec-fetch-site': 'cross-site' },
    ]
    for (const headers of foreignHeaders)
      expect((await ask('/api/host-keys', { ...change, headers })).code).toBe('request.forbidden')
    const form = await fetch(`${server.url}/api/runs`, {
      method: 'POST',
      headers: {
        cookie,
        origin: 'https://evil.example',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'all=true&program=reboot',
    })
    expect(form.status).toBe(403)
    const foreign = await signIn('ada@example.com', PASSWORD, { headers: { origin: 'https://evil.example' } })
    expect(foreign.code).toBe('request.forbidden')
  })

  it('a cookie that somebody else has set opens nothing after a sign-in', async () => {
    const planted = `rollcall_session=${'A'.repeat(43)}`
    const signed = await signIn('ada@example.com', PASSWORD, { cookie: planted })
    expect(signed.status).toBe(200)
    expect(signed.cookie).not.toBe(planted)
    expect((await ask('/api/hosts', { cookie: planted })).status).toBe(401)
    expect((await ask('/api/hosts', { cookie: signed.cookie })).status).toBe(200)
  })

  it('guessing locks the account, even for the right password, without revealing who exists', async () => {
    await person('locked@example.com', 'viewer')
    const wrong = await signIn('locked@example.com', 'not the password')
    expect(wrong).toMatchObject({ status: 401, code: 'access.wrong_credentials' })
    expect((await signIn('nobody@example.com', 'not the password')).json).toEqual(wrong.json)
    for (let i = 0; i < 4; i++) await signIn('locked@example.com', 'not the password')
    expect((await signIn('locked@example.com')).json).toEqual(wrong.json)
    // It is over by itself.
    await query(`UPDATE app_user SET locked_until = now() WHERE email = 'locked@example.com'`)
    expect((await signIn('locked@example.com')).status).toBe(200)
  })

  it('a code of the authenticator and a recovery code are accepted once each', async () => {
    const { cookie } = await person('totp@example.com', 'operator')
    const post = (path: string, body: object, as = cookie) => ask(path, { method: 'POST', body, cookie: as })
    const { secret } = (await post('/api/account/totp', { password: PASSWORD })).json
    const totp = new TOTP({ secret: Secret.fromBase32(secret) })
    const now = totp.generate()
    const { recoveryCodes } = (await post('/api/account/totp/confirm', { code: now })).json
    expect(recoveryCodes).toHaveLength(10)
    const begin = async () => {
      const first = await signIn('totp@example.com')
      expect(first.json).toEqual({ needsTotp: true, principal: null })
      expect((await ask('/api/hosts', { cookie: first.cookie })).status).toBe(401)
      return first.cookie
    }
    const half = await begin()
    expect((await post('/api/session/second-factor', { code: now }, half)).code).toBe('access.code_wrong')
    const [code] = recoveryCodes
    const whole = await post('/api/session/second-factor', { code, isRecoveryCode: true }, half)
    expect(whole.json.principal.email).toBe('totp@example.com')
    const again = await post('/api/session/second-factor', { code, isRecoveryCode: true }, await begin())
    expect(again.code).toBe('access.code_wrong')
  })

  it('a user who is disabled, signed out or reset loses access at once', async () => {
    const one = await person('gone@example.com', 'operator')
    const change = { method: 'PATCH', key: localKey, body: { version: one.version + 1, isDisabled: true } }
    expect((await ask('/api/hosts', { cookie: one.cookie })).status).toBe(200)
    expect((await ask(`/api/users/${one.id}`, change)).status).toBe(200)
    expect((await ask('/api/hosts', { cookie: one.cookie })).status).toBe(401)
    expect((await signIn('gone@example.com')).code).toBe('access.wrong_credentials')
    const { cookie } = await signIn('ada@example.com')
    await ask('/api/session', { method: 'DELETE', cookie })
    expect((await ask('/api/hosts', { cookie })).status).toBe(401)
  })

  it('the second of two concurrent edits of a user is refused, and the last admin stays', async () => {
    const { json } = await ask('/api/users', { key: localKey })
    const ada = json.users.find((user: { email: string }) => user.email === 'ada@example.com')
    const change = (body: object) =>
      ask(`/api/users/${ada.id}`, { method: 'PATCH', key: localKey, body: { version: ada.version, ...body } })
    expect((await change({ role: 'viewer' })).code).toBe('access.last_admin')
    expect((await change({ name: 'Ada L.' })).status).toBe(200)
    expect((await change({ name: 'Ada K.' })).code).toBe('access.changed_meanwhile')
    expect((await ask(`/api/users/${ada.id}`, { method: 'DELETE', key: localKey })).code).toBe(
      'access.last_admin',
    )
  })

  it('the second of two concurrent changes of labels is refused, and nothing is lost', async () => {
    const change = (body: object) => ask('/api/hosts/out', { method: 'PATCH', key: localKey, body })
    const seen = { env: 'test' }
    expect((await change({ labels: { ...seen, rack: 'a' }, ifLabels: seen })).status).toBe(200)
    expect((await change({ labels: { ...seen, zone: 'b' }, ifLabels: seen })).code).toBe(
      'host.changed_meanwhile',
    )
    const labels = (await ask('/api/hosts/out', { key: localKey })).json.host.labels
    expect(labels).toEqual({ env: 'test', rack: 'a' })
    expect((await change({ labels: seen, ifLabels: { rack: 'a', env: 'test' } })).status).toBe(200)
  })

  it('an API key cannot exceed the rights of its maker, and stops working once removed or expired', async () => {
    const make = (body: object, key = localKey) =>
      ask('/api/keys', {
        method: 'POST',
        key,
        body: { name: 'k', permissions: ['keys:write', 'hosts:read'], ...body },
      })
    const made = (await make({})).json
    expect((await make({ name: 'more', permissions: ['users:write'] }, made.secret)).code).toBe(
      'request.invalid',
    )
    expect((await ask('/api/hosts', { key: made.secret })).status).toBe(200)
    expect((await ask('/api/commands', { key: made.secret })).code).toBe('request.forbidden')
    await ask(`/api/keys/${made.key.id}`, { method: 'DELETE', key: localKey })
    expect((await ask('/api/hosts', { key: made.secret })).status).toBe(401)
    const expired = (await make({})).json
    await query(`UPDATE api_key SET expires_at = now() - interval '1 s' WHERE id = $1`, [expired.key.id])
    expect((await ask('/api/hosts', { key: expired.secret })).status).toBe(401)
  })
})

describe('roles', () => {
  /** The rows of the guide's table: what each role may. */
  async function tableOfGuide(): Promise<Map<string, string[]>> {
    const rows = (await readFile(GUIDE, 'utf8')).matchAll(
      /^\| `([a-z]+:[a-z]+)` \|[^|]*\| (.) +\| (.) +\| (.) +\|$/gm,
    )
    return new Map(
      [...rows].map(([, permission = '', ...marks]) => [
        permission,
        ['admin', 'operator', 'viewer'].filter((_, i) => marks[i] === '✓'),
      ]),
    )
  }

  it('each role may do exactly what the table of the guide says', async () => {
    const table = await tableOfGuide()
    expect([...table.keys()].sort()).toEqual([...PERMISSIONS].sort())
    for (const role of ['admin', 'operator', 'viewer'] as const)
      expect(PERMISSIONS.filter((each) => table.get(each)?.includes(role)).sort()).toEqual(
        [...ROLE_PERMISSIONS[role]].sort(),
      )
  })

  it('hosts outside a scope do not exist: in lists, by name, in runs, and in earlier commands', async () => {
    const { cookie } = await person('o@example.com', 'operator', ['env=prod'])
    const names = async (path: string, list: string) =>
      (await ask(path, { cookie })).json[list].map(
        (each: { name?: string; host?: string }) => each.name ?? each.host,
      )
    expect(await names('/api/hosts', 'hosts')).toEqual(['in'])
    expect(await names('/api/agents', 'agents')).toEqual(['in'])
    expect((await ask('/api/cluster/health', { cookie })).json.total).toBe(1)
    for (const part of ['', '/status', '/history', '/samples']) {
      expect((await ask(`/api/hosts/out${part}`, { cookie })).code).toBe('host.not_found')
      expect((await ask(`/api/hosts/in${part}`, { cookie })).status).toBe(200)
    }
    const run = (body: object, as: TestRequest) =>
      ask('/api/runs', { method: 'POST', body: { program: 'true', ...body }, ...as })
    expect((await run({ hosts: ['out'] }, { cookie })).code).toBe('host.not_found')
    const own = await run({ all: true }, { cookie })
    expect(own.json.commands.map((each: { host: { name: string } }) => each.host.name)).toEqual(['in'])
    const whole = (await run({ all: true }, { key: localKey })).json
    const foreign = whole.commands.find((each: { host: { name: string } }) => each.host.name === 'out')
    expect((await ask(`/api/commands/${foreign.id}`, { cookie })).code).toBe('command.not_found')
    expect((await ask(`/api/commands/${foreign.id}/output`, { cookie })).code).toBe('command.not_found')
    expect((await ask(`/api/runs/${whole.runId}`, { cookie })).code).toBe('run.not_found')
    const listed = (await ask('/api/commands', { cookie })).json.commands
    expect(listed.map((each: { host: { name: string } }) => each.host.name)).toEqual(['in', 'in'])
    const relabel = { method: 'PATCH', cookie, body: { labels: { env: 'mine' } } }
    expect((await ask('/api/hosts/in', relabel)).code).toBe('access.outside_scope')
  })
})

describe('guessing from one address', () => {
  it('sign-in from one address is refused after fifty attempts, for any user, without filling the log', async () => {
    const rows = async () => Number((await query('SELECT count(*) AS n FROM audit_entry')).rows[0].n)
    const guess = (i: number) => signIn(`guess-${i}@example.com`, 'not the password')
    for (let i = 0; i < 50; i++) await guess(i)
    const before = await rows()
    const codes = new Set<string | undefined>()
    for (let i = 0; i < 40; i++) codes.add((await guess(i)).code)
    expect([...codes]).toEqual(['access.locked_out'])
    expect((await signIn('ada@example.com')).code).toBe('access.locked_out')
    expect((await rows()) - before).toBeLessThanOrEqual(10)
  })
})

describe('the audit log', () => {
  it('the audit log records what was done, by whom and how it ended, and no secret', async () => {
    await ask('/api/hosts', {
      method: 'POST',
      key: localKey,
      body: {
        name: 'x',
        address: 'x',
        credential: { type: 'password', password: 'MARKER-1' },
        sudoPassword: 'MARKER-2',
      },
    })
    await ask('/api/runs', {
      method: 'POST',
      key: localKey,
      body: { program: 'true', hosts: ['in'], env: { TOKEN: 'MARKER-3' } },
    })
    const read = async () =>
      (await ask('/api/audit?limit=500', { key: localKey })).json.entries as AuditEntry[]
    const ofRun = async () =>
      (await read()).filter(({ action, actor }) => action === 'run' && actor?.kind === 'local').slice(0, 2)
    // How a request ended is written when it has been answered.
    await expect.poll(async () => (await ofRun()).map(({ outcome }) => outcome)).toEqual(['done', 'asked'])
    const [done, asked] = await ofRun()
    expect(done?.request).toBe(asked?.request)
    expect(asked?.detail).toMatchObject({ program: 'true', hosts: ['in'], env: ['TOKEN'] })
    const entries = await read()
    expect(JSON.stringify(entries)).not.toMatch(/MARKER|correct horse/)
    expect(entries.some((entry) => entry.code === 'access.wrong_credentials')).toBe(true)
    expect(entries.some((entry) => entry.code === 'request.forbidden')).toBe(true)
  })

  it('the audit log detects a row that the owner of the database edited or removed', async () => {
    const verdict = async () => (await ask('/api/audit/verify', { key: localKey })).json
    expect(await verdict()).toMatchObject({ isIntact: true, broken: null })
    await expect(query('DELETE FROM audit_entry')).rejects.toThrow('neither changed nor removed')
    await query('ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_stays')
    const swap = async (one: number, other: number) => {
      await query('UPDATE audit_entry SET seq = -1 WHERE seq = $1', [one])
      await query('UPDATE audit_entry SET seq = $1 WHERE seq = $2', [one, other])
      await query('UPDATE audit_entry SET seq = $1 WHERE seq = -1', [other])
    }
    await swap(4, 5)
    expect(await verdict()).toMatchObject({ isIntact: false, broken: { seq: 4 } })
    await swap(4, 5)
    expect(await verdict()).toMatchObject({ isIntact: true })
    await query(`UPDATE audit_entry SET actor = '{"kind":"user","id":"x","name":"Eve"}' WHERE seq = 3`)
    expect(await verdict()).toMatchObject({ isIntact: false, broken: { seq: 3 } })
    await query('DELETE FROM audit_entry WHERE seq = 2')
    expect(await verdict()).toMatchObject({ isIntact: false, broken: { seq: 2 } })
  })
})
