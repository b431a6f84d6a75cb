import { Controller, Req } from '@nestjs/common'
import type { Request } from 'express'
import { AccessService, Actor, type Principal, RightsWatch } from '../access/index.ts'
import { BlobStore } from '../blobs/index.ts'
import { toBytes } from '../platform/http/byte-body.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { TransfersService } from './transfers.service.ts'

@Controller()
export class TransfersController {
  constructor(
    private readonly transfers: TransfersService,
    private readonly blobs: BlobStore,
    private readonly access: AccessService,
    private readonly rights: RightsWatch,
  ) {}

  @Endpoint('addContent')
  async addContent(@Req() request: Request) {
    const content = toBytes(request)
    const { signal, release } = this.rights.abortWhenLost(() => this.access.identify(request), {
      permission: 'files:write',
    })
    // Content may take hours to come: no more of it is taken from who may not send it by now.
    signal.addEventListener('abort', () => request.destroy(signal.reason))
    try {
      return await this.blobs.add(content)
    } finally {
      release()
    }
  }

  @Endpoint('missingContents')
  async missing(@Input() { body }: InputOf<'missingContents'>) {
    return { missing: await this.blobs.missing(body.sha256) }
  }

  @Endpoint('startTransfer')
  start(@Input() { body }: InputOf<'startTransfer'>, @Actor() actor: Principal) {
    return this.transfers.start(body, actor)
  }

  @Endpoint('listTransfers')
  async list(@Input() { query }: InputOf<'listTransfers'>) {
    return { transfers: await this.transfers.list(query.limit) }
  }

  @Endpoint('showTransfer')
  show(@Input() { params }: InputOf<'showTransfer'>) {
    return this.transfers.show(params.id)
  }

  @Endpoint('cancelTransfer')
  async cancel(@Input() { params }: InputOf<'cancelTransfer'>) {
    return { transfer: await this.transfers.cancel(params.id) }
  }
}
