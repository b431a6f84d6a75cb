import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { type KnownIdentity, ServerIdentities } from '../identities/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { RotationsService } from './rotations.service.ts'

@Controller()
export class RotationsController {
  constructor(
    private readonly rotations: RotationsService,
    private readonly identities: ServerIdentities,
  ) {}

  @Endpoint('startRotation')
  start(@Input() { body }: InputOf<'startRotation'>, @Actor() actor: Principal) {
    return this.rotations.start(body, actor)
  }

  @Endpoint('listRotations')
  async list(@Actor() { scope }: Principal) {
    return { hosts: await this.rotations.list(scope) }
  }

  @Endpoint('listServerIdentities')
  async listIdentities() {
    return toView(await this.identities.list())
  }

  @Endpoint('renewServerIdentity')
  async renewIdentity(@Actor() actor: Principal) {
    return toView(await this.rotations.renewIdentity(actor))
  }
}

const toView = (known: KnownIdentity[]) => ({
  identities: known.map(({ createdAt, ...rest }) => ({ ...rest, createdAt: createdAt.toISOString() })),
})
