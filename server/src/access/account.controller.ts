import { Controller } from '@nestjs/common'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { AccessService } from './access.service.ts'
import { AccountsService } from './accounts.service.ts'
import { Actor, type Principal, requireUser } from './principal.ts'
import { SessionsService } from './sessions.service.ts'

@Controller()
export class AccountController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly access: AccessService,
  ) {}

  @Endpoint('listSessions')
  async listSessions(@Actor() actor: Principal) {
    const { id, sessionId } = requireUser(actor)
    return { sessions: await this.sessions.list(id, sessionId) }
  }

  @Endpoint('revokeSession')
  async revokeSession(@Actor() actor: Principal, @Input() { params }: InputOf<'revokeSession'>) {
    await this.sessions.end(requireUser(actor).id, params.id)
    this.access.invalidateAll()
    return {}
  }

  @Endpoint('changePassword')
  async changePassword(@Actor() actor: Principal, @Input() { body }: InputOf<'changePassword'>) {
    const { id, sessionId } = requireUser(actor)
    await this.accounts.changePassword(id, sessionId, body.password, body.newPassword)
    return {}
  }

  @Endpoint('enrolTotp')
  enrolTotp(@Actor() actor: Principal, @Input() { body }: InputOf<'enrolTotp'>) {
    return this.accounts.enrolTotp(requireUser(actor).id, body.password)
  }

  @Endpoint('confirmTotp')
  async confirmTotp(@Actor() actor: Principal, @Input() { body }: InputOf<'confirmTotp'>) {
    return { recoveryCodes: await this.accounts.confirmTotp(requireUser(actor).id, body.code) }
  }

  @Endpoint('disableTotp')
  async disableTotp(@Actor() actor: Principal, @Input() { body }: InputOf<'disableTotp'>) {
    await this.accounts.disableTotp(requireUser(actor).id, body.password)
    return {}
  }
}
