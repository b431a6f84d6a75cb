import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostView, NewHostInput, Role } from '@rollcall/contracts/admin'
import { ROLE_PERMISSIONS } from '@rollcall/contracts/admin'
import { Bed, type Host } from '../bed/index.ts'
import type { Answer, Api } from '../fleet/api.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { prepared } from '../fleet/shared.ts'
import { Caller } from './caller.ts'

export const PASSWORD = 'a quiet harbour at dawn'
export const MINE = { env: 'mine' }
export const THEIRS = { env: 'theirs' }

const PEOPLE = {
  viewer: { role: 'viewer', scope: null },
  'scoped viewer': { role: 'viewer', scope: ['env=mine'] },
  'scoped operator': { role: 'operator', scope: ['env=mine'] },
  operator: { role: 'operator', scope: null },
  admin: { role: 'admin', scope: null },
} as const satisfies Record<string, { role: Role; scope: readonly string[] | null }>

export type PersonName = keyof typeof PEOPLE
export const PERSON_NAMES = Object.keys(PEOPLE) as PersonName[]

/** Returns the token behind the # of a link, which may be relative to the server. */
const tokenOf = (link: string): string => link.slice(link.indexOf('#') + 1)

/** A server with two real hosts, one of whoever is limited and one that does not exist for them, and everybody who may ask. */
export class AttackSetting implements AsyncDisposable {
  readonly people = new Map<PersonName, { id: string; caller: Caller; key: Caller }>()
  #removedKey: Caller | undefined
  #serial = 0

  readonly server: ServerProcess
  readonly bed: Bed
  readonly api: Api
  readonly hosts: { mine: Host; theirs: Host }

  private constructor(server: ServerProcess, bed: Bed, api: Api, hosts: { mine: Host; theirs: Host }) {
    this.server = server
    this.bed = bed
    this.api = api
    this.hosts = hosts
  }

  static async open(log?: (line: string) => void): Promise<AttackSetting> {
    await using stack = new AsyncDisposableStack()
    const bed = stack.use(await Bed.open({ name: 'attack', ...(log && { log }) }))
    const server = stack.use(
      // As it comes: the tests' own servers may reach this machine.
      await ServerProcess.start({ env: { ROLLCALL_ALLOWED_ADDRESSES: '' } }),
    )
    const [mine, theirs] = await bed.boot(prepared([{ name: 'mine' }, { name: 'theirs' }]))
    if (!mine || !theirs) throw new Error('no hosts were booted')
    const setting = new AttackSetting(server, bed, await server.api(), { mine, theirs })
    await Promise.all([setting.#install(mine, MINE), setting.#install(theirs, THEIRS)])
    await setting.#gather()
    for (const caller of [...PERSON_NAMES.map((name) => setting.keyOf(name))]) {
      const { status } = await caller.request('GET', '/api/hosts')
      // A key that opens nothing would be refused everything, and no attack with it would mean anything.
      if (status !== 200) throw new Error(`${caller.name} is worth nothing: ${status}`)
    }
    stack.move()
    return setting
  }

  get stranger(): Caller {
    return new Caller('stranger', this.server.url)
  }

  /** The server's own command line, which may do everything: who sets the scene. */
  get root(): Caller {
    return new Caller('local', this.server.url, this.api.headers)
  }

  get removedKey(): Caller {
    if (!this.#removedKey) throw new Error('nobody was removed yet')
    return this.#removedKey
  }

  person(name: PersonName): Caller {
    return this.#person(name).caller
  }

  keyOf(name: PersonName): Caller {
    return this.#person(name).key
  }

  idOf(name: PersonName): string {
    return this.#person(name).id
  }

  /** All eight kinds of caller and their keys. */
  get everybody(): Caller[] {
    return [
      this.stranger,
      ...PERSON_NAMES.flatMap((name) => [this.person(name), this.keyOf(name)]),
      this.removedKey,
    ]
  }

  host(name: 'mine' | 'theirs'): Promise<HostView> {
    return this.api.host(name)
  }

  /** Returns a request that adds a host, which does not have to exist. */
  async newHost(name: string, more: Partial<NewHostInput> = {}): Promise<NewHostInput> {
    return {
      name,
      address: this.hosts.mine.address,
      credential: await keyCredential(this.bed),
      labels: MINE,
      ...more,
    }
  }

  /** A name that nothing has had yet. */
  fresh(what: string): string {
    return `${what}-${++this.#serial}`
  }

  /** A person who comes for one attack, signed in. */
  async newcomer(
    role: Role,
    scope: readonly string[] | null,
  ): Promise<{ id: string; email: string; caller: Caller }> {
    const email = `${this.fresh('newcomer')}@example.com`
    const { user, link } = await this.root.call('addUser', {
      body: {
        email,
        name: email,
        role,
        scope: scope && [...scope],
      },
    })
    const token = tokenOf(link)
    await this.stranger.call('acceptInvite', { body: { token, password: PASSWORD } })
    return { id: user.id, email, caller: await Caller.signIn(email, this.server.url, email, PASSWORD) }
  }

  /** A key with every permission that its owner may give, and their scope. */
  async keyFor(caller: Caller, role: Role, scope: readonly string[] | null): Promise<Caller> {
    // Who may not make keys gets one by an admin for them, which is worth what they may do.
    const permissions = ROLE_PERMISSIONS[role]
    const body = { name: this.fresh('key'), permissions: [...permissions], scope: scope && [...scope] }
    const own = await caller.request<{ secret: string }>('POST', '/api/keys', body)
    const { secret } =
      own.status < 300 ? own.body : await this.root.call('addKey', { body: { ...body, owner: caller.name } })
    return Caller.withKeyOf(`key of ${caller.name}`, this.server.url, secret)
  }

  /** Asks for a change of somebody, as they are now. */
  async changeUser(caller: Caller, id: string, change: object): Promise<Answer> {
    const { users } = await this.root.call('listUsers')
    const version = users.find((user) => user.id === id)?.version
    return caller.request('PATCH', `/api/users/${id}`, { version, ...change })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.bed.close()
  }

  #person(name: PersonName) {
    const person = this.people.get(name)
    if (!person) throw new Error(`there is no ${name}`)
    return person
  }

  async #install({ name, address }: Host, labels: Record<string, string>): Promise<void> {
    const installed = await this.api.addHost(
      { name, address, credential: await keyCredential(this.bed), labels },
      600_000,
    )
    if (installed.state !== 'success') throw new Error(await this.api.text(installed.id))
  }

  async #gather(): Promise<void> {
    const setup = (await readFile(join(this.server.dataDir, 'setup-link'), 'utf8')).trim()
    await this.stranger.call('setUpFirstAdmin', {
      body: {
        token: tokenOf(setup),
        name: 'first',
        email: 'first@example.com',
        password: PASSWORD,
      },
    })
    for (const name of PERSON_NAMES) {
      const { role, scope } = PEOPLE[name]
      const { id, caller } = await this.newcomer(role, scope)
      this.people.set(name, { id, caller, key: await this.keyFor(caller, role, scope) })
    }
    const leaver = await this.newcomer('admin', null)
    this.#removedKey = await this.keyFor(leaver.caller, 'admin', null)
    await this.root.call('removeUser', { params: { id: leaver.id } })
  }
}
