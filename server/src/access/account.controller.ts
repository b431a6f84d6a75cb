import { Controller } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { AccessService } from './access.service.ts'
import { AccountsService } from './accounts.service.ts'
import { Actor, type Principal } from './principal.ts'
import { SessionsService } from './sessions.service.ts'

/** Keys have no account of their own. */
function personOf({ kind, id, sessionId }: Principal): { id: string; sessionId: string } {
  if (kind === 'user' && sessionId !== null) return { id, sessionId }
  throw new RollcallError('request.forbidden', 'Only a person who has signed in has an account.')
}

@Controller()
export class AccountController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly access: AccessService,
  ) {}

  @Endpoint('listSessions')
  async listSessions(@Actor() actor: Principal) {
    const { id, sessionId } = personOf(actor)
    return { sessions: await this.sessions.list(id, sessionId) }
  }

  @Endpoint('revokeSession')
  async revokeSession(@Actor() actor: Principal, @Input() { params }: InputOf<'revokeSession'>) {
    await this.sessions.end(personOf(actor).id, params.id)
    this.access.forgetAll()
    return {}
  }

  @Endpoint('changePassword')
  async changePassword(@Actor() actor: Principal, @Input() { body }: InputOf<'changePassword'>) {
    const { id, sessionId } = personOf(actor)
    await this.accounts.changePassword(id, sessionId, body.password, body.newPassword)
    return {}
  }

  @Endpoint('enrolTotp')
  enrolTotp(@Actor() actor: Principal, @Input() { body }: InputOf<'enrolTotp'>) {
    return this.accounts.enrolTotp(personOf(actor).id, body.password)
  }

  @Endpoint('confirmTotp')
  async confirmTotp(@Actor() actor: Principal, @Input() { body }: InputOf<'confirmTotp'>) {
    return { recoveryCodes: await this.accounts.confirmTotp(personOf(actor).id, body.code) }
  }

  @Endpoint('disableTotp')
  async disableTotp(@Actor() actor: Principal, @Input() { body }: InputOf<'disableTotp'>) {
    await this.accounts.disableTotp(personOf(actor).id, body.password)
    return {}
  }
}
