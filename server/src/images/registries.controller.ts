import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { toRegistryView } from './image.view.ts'
import { RegistriesService } from './registries.service.ts'

@Controller()
export class RegistriesController {
  constructor(private readonly registries: RegistriesService) {}

  @Endpoint('listRegistries')
  async list() {
    return { registries: (await this.registries.list()).map(toRegistryView) }
  }

  @Endpoint('addRegistry')
  async add(@Input() { body }: InputOf<'addRegistry'>, @Actor() actor: Principal) {
    const { registry, isNew } = await this.registries.add(body, actor.name)
    return { registry: toRegistryView(registry), isNew }
  }

  @Endpoint('removeRegistry')
  async remove(@Input() { params }: InputOf<'removeRegistry'>) {
    await this.registries.remove(params.registry)
    return {}
  }
}
