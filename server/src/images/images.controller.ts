import { Controller, Req } from '@nestjs/common'
import type { Request } from 'express'
import {
  AccessService,
  Actor,
  GuardedHost,
  type NamedHost,
  type Principal,
  RightsWatch,
} from '../access/index.ts'
import { toBytes } from '../platform/http/byte-body.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { HostImages } from './host-images.ts'
import { toImagePullView, toImageView } from './image.view.ts'
import { ImageDelivery } from './image-delivery.ts'
import { ImagePulls } from './image-pulls.reconciler.ts'
import { ImagesService } from './images.service.ts'

/** The longest that a request sends parts of an image: a gigabyte over ten megabits a second. */
const SEND_TIMEOUT_MS = 15 * 60_000

@Controller()
export class ImagesController {
  constructor(
    private readonly images: ImagesService,
    private readonly pulls: ImagePulls,
    private readonly delivery: ImageDelivery,
    private readonly hostImages: HostImages,
    private readonly access: AccessService,
    private readonly rights: RightsWatch,
  ) {}

  @Endpoint('listImages')
  async list(@Input() { query }: InputOf<'listImages'>, @Actor() { scope }: Principal) {
    return { images: (await this.images.list(query.ref)).map((image) => toImageView(image, scope)) }
  }

  @Endpoint('showImage')
  async show(@Input() { params }: InputOf<'showImage'>, @Actor() { scope }: Principal) {
    return { image: toImageView(await this.images.show(params.id), scope) }
  }

  @Endpoint('addImages')
  async add(@Req() request: Request, @Input() { query }: InputOf<'addImages'>, @Actor() actor: Principal) {
    const archive = toBytes(request)
    const { signal, release } = this.rights.abortWhenLost(() => this.access.identify(request), {
      permission: 'images:write',
    })
    // An archive may take hours to come: no more of it is taken from who may not send it by now.
    signal.addEventListener('abort', () => request.destroy(signal.reason))
    try {
      const added = await this.images.add(archive, query.ref, actor.name)
      return { images: added.map((image) => toImageView(image, actor.scope)) }
    } finally {
      release()
    }
  }

  @Endpoint('removeImage')
  async remove(@Input() { params }: InputOf<'removeImage'>) {
    await this.images.remove(params.id)
    return {}
  }

  @Endpoint('sendImage')
  async send(
    @Req() request: Request,
    @GuardedHost() { id }: NamedHost,
    @Input() { body }: InputOf<'sendImage'>,
  ) {
    const { signal, release } = this.rights.abortWhenLost(() => this.access.identify(request), {
      permission: 'images:write',
      on: { kind: 'host', id },
    })
    try {
      const either = AbortSignal.any([signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
      return await this.delivery.send(id, body.ref, either)
    } finally {
      release()
    }
  }

  @Endpoint('pruneHostImages')
  async prune(
    @Req() request: Request,
    @GuardedHost() { id }: NamedHost,
    @Input() { body }: InputOf<'pruneHostImages'>,
  ) {
    const { signal, release } = this.rights.abortWhenLost(() => this.access.identify(request), {
      permission: 'images:write',
      on: { kind: 'host', id },
    })
    try {
      const either = AbortSignal.any([signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
      return await this.hostImages.prune(id, body.olderThanHours, either)
    } finally {
      release()
    }
  }

  @Endpoint('pullImage')
  async pull(@Input() { body }: InputOf<'pullImage'>, @Actor() actor: Principal) {
    return { pull: toImagePullView(await this.pulls.start(body, actor.name)) }
  }

  @Endpoint('listImagePulls')
  async listPulls() {
    return { pulls: (await this.pulls.list()).map(toImagePullView) }
  }

  @Endpoint('showImagePull')
  async showPull(@Input() { params }: InputOf<'showImagePull'>) {
    return { pull: toImagePullView(await this.pulls.show(params.id)) }
  }

  @Endpoint('cancelImagePull')
  async cancelPull(@Input() { params }: InputOf<'cancelImagePull'>) {
    return { pull: toImagePullView(await this.pulls.cancel(params.id)) }
  }
}
