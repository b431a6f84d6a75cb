import { Controller } from '@nestjs/common'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { Actor, type Principal } from './principal.ts'
import { UsersService } from './users.service.ts'

@Controller()
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Endpoint('listUsers')
  async list() {
    return { users: await this.users.list() }
  }

  @Endpoint('addUser')
  add(@Input() { body }: InputOf<'addUser'>, @Actor() giver: Principal) {
    return this.users.add(body, giver)
  }

  @Endpoint('changeUser')
  async change(@Input() { params, body }: InputOf<'changeUser'>, @Actor() giver: Principal) {
    return { user: await this.users.change(params.id, body, giver) }
  }

  @Endpoint('removeUser')
  async remove(@Input() { params }: InputOf<'removeUser'>, @Actor() giver: Principal) {
    await this.users.remove(params.id, giver)
    return {}
  }

  @Endpoint('resetUser')
  reset(@Input() { params }: InputOf<'resetUser'>, @Actor() giver: Principal) {
    return this.users.reset(params.id, giver)
  }
}
