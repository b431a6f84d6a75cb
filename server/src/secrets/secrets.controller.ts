import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { toSecretVersionView, toSecretView } from './secret.view.ts'
import { SecretsService } from './secrets.service.ts'

@Controller()
export class SecretsController {
  constructor(private readonly secrets: SecretsService) {}

  @Endpoint('listSecrets')
  async list() {
    const { secrets, uses } = await this.secrets.list()
    return { secrets: secrets.map((secret) => toSecretView(secret, uses)) }
  }

  @Endpoint('setSecret')
  async set(@Input() { body }: InputOf<'setSecret'>, @Actor() actor: Principal) {
    const isChanged = await this.secrets.set(body, actor)
    const { secret, uses } = await this.secrets.show(body.name)
    return { secret: toSecretView(secret, uses), isChanged }
  }

  @Endpoint('showSecret')
  async show(@Input() { params }: InputOf<'showSecret'>) {
    const { secret, versions, uses } = await this.secrets.show(params.name)
    return {
      secret: toSecretView(secret, uses),
      versions: versions.map((version) => toSecretVersionView(version, uses)),
    }
  }

  @Endpoint('removeSecret')
  async remove(@Input() { params }: InputOf<'removeSecret'>) {
    await this.secrets.remove(params.name)
    return {}
  }
}
