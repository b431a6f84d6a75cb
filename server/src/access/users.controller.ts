import { Controller } from '@nestjs/common'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { UsersService } from './users.service.ts'

@Controller()
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Endpoint('listUsers')
  async list() {
    return { users: await this.users.list() }
  }

  @Endpoint('addUser')
  add(@Input() { body }: InputOf<'addUser'>) {
    return this.users.add(body)
  }

  @Endpoint('changeUser')
  async change(@Input() { params, body }: InputOf<'changeUser'>) {
    return { user: await this.users.change(params.id, body) }
  }

  @Endpoint('removeUser')
  async remove(@Input() { params }: InputOf<'removeUser'>) {
    await this.users.remove(params.id)
    return {}
  }

  @Endpoint('resetUser')
  reset(@Input() { params }: InputOf<'resetUser'>) {
    return this.users.reset(params.id)
  }
}
