import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { newUser, UserView, userChange, userWithLink } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { AccessService } from './access.service.ts'
import { OneTimeLinks } from './one-time-links.ts'
import { type User, UsersRepository } from './users.repository.ts'

/** Who may sign in. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly links: OneTimeLinks,
    private readonly access: AccessService,
    private readonly clock: Clock,
  ) {}

  async list(): Promise<UserView[]> {
    return (await this.users.list()).map(viewOf)
  }

  async add(wanted: z.output<typeof newUser>): Promise<z.infer<typeof userWithLink>> {
    const user = { ...wanted, id: randomUUID(), passwordHash: null, createdAt: this.clock.now() }
    if (!(await this.users.add(user)))
      throw new RollcallError('user.email_taken', `There is a user with the address ${wanted.email}.`, {
        fields: [{ field: 'email', message: 'is taken' }],
      })
    return this.withLink(user.id)
  }

  async change(id: string, { version, ...change }: z.output<typeof userChange>): Promise<UserView> {
    const user = await this.show(id)
    const { name = user.name, role = user.role, isDisabled = user.isDisabled, scope = user.scope } = change
    const changed = await this.users.change(id, version, { name, role, scope, isDisabled })
    if (changed === 'last_admin') throw lastAdmin()
    if (!changed)
      throw new RollcallError(
        'access.changed_meanwhile',
        `${user.name} was changed by somebody else meanwhile. Look at it again, then repeat your change.`,
      )
    this.access.forgetAll()
    return viewOf(changed)
  }

  async remove(id: string): Promise<void> {
    await this.show(id)
    if ((await this.users.remove(id)) === 'last_admin') throw lastAdmin()
    this.access.forgetAll()
  }

  async reset(id: string): Promise<z.infer<typeof userWithLink>> {
    await this.show(id)
    await this.users.reset(id)
    this.access.forgetAll()
    return this.withLink(id)
  }

  private async withLink(id: string) {
    const { link, expiresAt } = await this.links.makePasswordLink(id)
    return { user: viewOf(await this.show(id)), link, expiresAt: expiresAt.toISOString() }
  }

  private async show(id: string): Promise<User> {
    const user = await this.users.find(id)
    if (user) return user
    throw new RollcallError('user.not_found', 'There is no such user. Perhaps somebody has just removed it.')
  }
}

const lastAdmin = () =>
  new RollcallError(
    'access.last_admin',
    'This is the last admin for all hosts who can sign in. Make another user one first.',
  )

const viewOf = (user: User): UserView => ({
  id: user.id,
  email: user.email,
  name: user.name,
  role: user.role,
  scope: user.scope,
  isDisabled: user.isDisabled,
  hasPassword: user.passwordHash !== null,
  hasTotp: user.isTotpConfirmed,
  lastSignInAt: user.lastSignInAt?.toISOString() ?? null,
  createdAt: user.createdAt.toISOString(),
  version: user.version,
})
