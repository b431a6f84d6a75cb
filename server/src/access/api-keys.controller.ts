import { Controller } from '@nestjs/common'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { AccessService } from './access.service.ts'
import { ApiKeysService } from './api-keys.service.ts'
import { Actor, type Principal } from './principal.ts'

@Controller()
export class ApiKeysController {
  constructor(
    private readonly keys: ApiKeysService,
    private readonly access: AccessService,
  ) {}

  @Endpoint('listKeys')
  async list() {
    return { keys: await this.keys.list() }
  }

  @Endpoint('addKey')
  add(@Input() { body }: InputOf<'addKey'>, @Actor() maker: Principal) {
    return this.keys.add(body, maker)
  }

  @Endpoint('removeKey')
  async remove(@Input() { params }: InputOf<'removeKey'>) {
    await this.keys.remove(params.id)
    this.access.invalidateAll()
    return {}
  }
}
