import { Controller } from '@nestjs/common'
import type { CollectionView } from '@rollcall/contracts/admin'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { CollectionsService } from './collections.service.ts'
import type { Collection } from './domain/collection-files.ts'

const toView = ({ fileCount, playbooks, addedAt, ...collection }: Collection): CollectionView => ({
  ...collection,
  files: fileCount,
  playbooks: playbooks.map(({ name }) => name),
  addedAt: addedAt.toISOString(),
})

@Controller()
export class CollectionsController {
  constructor(private readonly collections: CollectionsService) {}

  @Endpoint('listCollections')
  async list(@Actor() { scope }: Principal) {
    return { collections: (await this.collections.list(scope)).map(toView) }
  }

  @Endpoint('addCollection')
  async add(@Input() { body }: InputOf<'addCollection'>, @Actor() actor: Principal) {
    const { collection, isNew } = await this.collections.add(body, actor.name)
    return { collection: toView(collection), isNew }
  }

  @Endpoint('removeCollection')
  async remove(@Input() { params }: InputOf<'removeCollection'>) {
    await this.collections.remove(params.name)
    return {}
  }
}
