import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { newUser, UserView, userChange, userWithLink } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { AccessService } from './access.service.ts'
import { findExcess, toUserRights } from './domain/rights.ts'
import { type User } from './domain/user.ts'
import { OneTimeLinks } from './one-time-links.ts'
import { type Principal, toRights } from './principal.ts'
import { toUserView } from './user.view.ts'
import { UsersRepository } from './users.repository.ts'

/** Manages the users who may sign in. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly links: OneTimeLinks,
    private readonly access: AccessService,
    private readonly clock: Clock,
  ) {}

  async list(): Promise<UserView[]> {
    return (await this.users.list()).map(toUserView)
  }

  async add(wanted: z.output<typeof newUser>, giver: Principal): Promise<z.infer<typeof userWithLink>> {
    refuseBeyond(giver, wanted, `the role ${wanted.role}`)
    const user = { ...wanted, id: randomUUID(), passwordHash: null, createdAt: this.clock.now() }
    if (!(await this.users.add(user)))
      throw new RollcallError('user.email_taken', `A user with the address ${wanted.email} already exists.`, {
        fields: [{ field: 'email', message: 'is taken' }],
      })
    return this.withLink(await this.show(user.id))
  }

  async change(
    id: string,
    { version, ...change }: z.output<typeof userChange>,
    giver: Principal,
  ): Promise<UserView> {
    const user = await this.showFor(id, giver)
    if (user.version !== version) throw changedMeanwhile(user)
    const { name = user.name, role = user.role, isDisabled = user.isDisabled, scope = user.scope } = change
    refuseBeyond(giver, { role, scope }, `the role ${role}${scope ? ' for these hosts' : ' for all hosts'}`)
    // A link was granted for the user's rights at that time and must not lead to more.
    const endsLinks = findExcess(toUserRights({ role, scope }), toUserRights(user)) !== null
    const changed = await this.users.change(id, version, { name, role, scope, isDisabled }, endsLinks)
    if (changed === 'last_admin') throw lastAdmin()
    if (!changed) throw changedMeanwhile(user)
    this.access.invalidateAll()
    return toUserView(changed)
  }

  async remove(id: string, giver: Principal): Promise<void> {
    const user = await this.showFor(id, giver)
    const removed = await this.users.remove(id, user.version)
    if (removed === 'last_admin') throw lastAdmin()
    if (!removed) throw changedMeanwhile(user)
    this.access.invalidateAll()
  }

  async reset(id: string, giver: Principal): Promise<z.infer<typeof userWithLink>> {
    const user = await this.showFor(id, giver)
    const version = await this.users.reset(id, user.version)
    if (version === undefined) throw changedMeanwhile(user)
    this.access.invalidateAll()
    return this.withLink({ ...user, version })
  }

  /** Creates a link for the user as judged; a concurrent change of rights prevents it. */
  private async withLink(user: User) {
    const made = await this.links.makePasswordLink(user.id, user.version)
    if (!made) throw changedMeanwhile(user)
    return {
      user: toUserView(await this.show(user.id)),
      link: made.link,
      expiresAt: made.expiresAt.toISOString(),
    }
  }

  /** Returns a user on whom `giver` may act. Throws `access.beyond_own` if the user has rights that the giver lacks. */
  private async showFor(id: string, giver: Principal): Promise<User> {
    const user = await this.show(id)
    refuseBeyond(giver, user, `${user.name}`)
    return user
  }

  private async show(id: string): Promise<User> {
    const user = await this.users.find(id)
    if (user) return user
    throw new RollcallError('user.not_found', 'The user does not exist. It may have been removed just now.')
  }
}

/** Throws `access.beyond_own` if a role and scope exceed the rights of `giver`. */
function refuseBeyond(giver: Principal, given: Pick<User, 'role' | 'scope'>, what: string): void {
  const excess = findExcess(toUserRights(given), toRights(giver))
  if (!excess) return
  const missing = excess.kind === 'permission' ? `the permission ${excess.permission}` : 'some of the hosts'
  throw new RollcallError(
    'access.beyond_own',
    `This requires the rights of ${what}, and ${giver.name} lacks ${missing}. Ask another admin.`,
  )
}

const changedMeanwhile = ({ name }: User) =>
  new RollcallError(
    'access.changed_meanwhile',
    `${name} was changed by another user in the meantime. Reload it, then repeat your change.`,
  )

const lastAdmin = () =>
  new RollcallError(
    'access.last_admin',
    'This is the last active admin for all hosts. Make another user an admin first.',
  )
