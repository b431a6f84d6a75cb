import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { ProfilesService } from './profiles.service.ts'

@Controller()
export class ProfilesController {
  constructor(private readonly profiles: ProfilesService) {}

  @Endpoint('listHeartbeatProfiles')
  async list(@Actor() { scope }: Principal) {
    return { profiles: await this.profiles.list(scope) }
  }

  @Endpoint('addHeartbeatProfile')
  async add(@Input() { body }: InputOf<'addHeartbeatProfile'>) {
    return { profile: await this.profiles.add(body) }
  }

  @Endpoint('changeHeartbeatProfile')
  async change(@Input() { params, body }: InputOf<'changeHeartbeatProfile'>) {
    return { profile: await this.profiles.change(params.profile, body) }
  }

  @Endpoint('removeHeartbeatProfile')
  async remove(@Input() { params }: InputOf<'removeHeartbeatProfile'>) {
    await this.profiles.remove(params.profile)
    return {}
  }
}
