import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { newUser, UserView, userChange, userWithLink } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { AccessService } from './access.service.ts'
import { excessOf, rightsOfUser } from './domain/rights.ts'
import { type User } from './domain/user.ts'
import { OneTimeLinks } from './one-time-links.ts'
import { type Principal, rightsOf } from './principal.ts'
import { toView } from './user.view.ts'
import { UsersRepository } from './users.repository.ts'

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
    return (await this.users.list()).map(toView)
  }

  async add(wanted: z.output<typeof newUser>, giver: Principal): Promise<z.infer<typeof userWithLink>> {
    refuseBeyond(giver, wanted, `the role ${wanted.role}`)
    const user = { ...wanted, id: randomUUID(), passwordHash: null, createdAt: this.clock.now() }
    if (!(await this.users.add(user)))
      throw new RollcallError('user.email_taken', `There is a user with the address ${wanted.email}.`, {
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
    // A link was given for what the user was then: whoever has it must not come to more.
    const endsLinks = excessOf(rightsOfUser({ role, scope }), rightsOfUser(user)) !== null
    const changed = await this.users.change(id, version, { name, role, scope, isDisabled }, endsLinks)
    if (changed === 'last_admin') throw lastAdmin()
    if (!changed) throw changedMeanwhile(user)
    this.access.forgetAll()
    return toView(changed)
  }

  async remove(id: string, giver: Principal): Promise<void> {
    const user = await this.showFor(id, giver)
    const removed = await this.users.remove(id, user.version)
    if (removed === 'last_admin') throw lastAdmin()
    if (!removed) throw changedMeanwhile(user)
    this.access.forgetAll()
  }

  async reset(id: string, giver: Principal): Promise<z.infer<typeof userWithLink>> {
    const user = await this.showFor(id, giver)
    const version = await this.users.reset(id, user.version)
    if (version === undefined) throw changedMeanwhile(user)
    this.access.forgetAll()
    return this.withLink({ ...user, version })
  }

  /** The link is made for the user as it was judged: one that has more rights since gets none. */
  private async withLink(user: User) {
    const made = await this.links.makePasswordLink(user.id, user.version)
    if (!made) throw changedMeanwhile(user)
    return {
      user: toView(await this.show(user.id)),
      link: made.link,
      expiresAt: made.expiresAt.toISOString(),
    }
  }

  /** A user on whom `giver` may act. Throws `access.beyond_own` where they may do more than the giver. */
  private async showFor(id: string, giver: Principal): Promise<User> {
    const user = await this.show(id)
    refuseBeyond(giver, user, `what ${user.name} may do`)
    return user
  }

  private async show(id: string): Promise<User> {
    const user = await this.users.find(id)
    if (user) return user
    throw new RollcallError('user.not_found', 'There is no such user. Perhaps somebody has just removed it.')
  }
}

/** Throws `access.beyond_own` where a role and scope go beyond what `giver` may do. */
function refuseBeyond(giver: Principal, given: Pick<User, 'role' | 'scope'>, what: string): void {
  const excess = excessOf(rightsOfUser(given), rightsOf(giver))
  if (!excess) return
  const missing = excess.kind === 'permission' ? `the permission ${excess.permission}` : 'some of the hosts'
  throw new RollcallError(
    'access.beyond_own',
    `This needs all that goes with ${what}, and ${giver.name} does not have ${missing}. Ask somebody who has it.`,
  )
}

const changedMeanwhile = ({ name }: User) =>
  new RollcallError(
    'access.changed_meanwhile',
    `${name} was changed by somebody else meanwhile. Look at it again, then repeat your change.`,
  )

const lastAdmin = () =>
  new RollcallError(
    'access.last_admin',
    'This is the last admin for all hosts who can sign in. Make another user one first.',
  )
