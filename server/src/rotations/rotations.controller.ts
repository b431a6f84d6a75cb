import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { RotationsService } from './rotations.service.ts'

@Controller()
export class RotationsController {
  constructor(private readonly rotations: RotationsService) {}

  @Endpoint('startRotation')
  start(@Input() { body }: InputOf<'startRotation'>, @Actor() actor: Principal) {
    return this.rotations.start(body, actor)
  }

  @Endpoint('listRotations')
  async list(@Actor() { scope }: Principal) {
    return { hosts: await this.rotations.list(scope) }
  }
}
