import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { Controller, Inject, StreamableFile } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { Response } from 'express'
import { AccessService, GuardedHost, type NamedHost, RightsWatch } from '../access/index.ts'
import { AgentFileReader, type ReadRequest } from '../files/index.ts'
import { Endpoint, Input, type InputOf, Reply } from '../platform/http/endpoint.ts'
import { LOGGER, type Logger } from '../platform/log.ts'

@Controller()
export class HostFilesController {
  constructor(
    private readonly files: AgentFileReader,
    private readonly access: AccessService,
    private readonly rights: RightsWatch,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Endpoint('readHostFile')
  read(
    @GuardedHost() host: NamedHost,
    @Input() { query }: InputOf<'readHostFile'>,
    @Reply() response: Response,
  ) {
    return this.handOut(host, { kind: 'get_file', ...query }, response)
  }

  @Endpoint('listHostTree')
  list(
    @GuardedHost() host: NamedHost,
    @Input() { query }: InputOf<'listHostTree'>,
    @Reply() response: Response,
  ) {
    const plain = { kind: 'list_tree' as const, path: query.path }
    if (query.whole === undefined) return this.handOut(host, plain, response)
    return this.handOut(host, { ...plain, whole: true }, response, plain)
  }

  @Endpoint('readHostFiles')
  readSome(
    @GuardedHost() host: NamedHost,
    @Input() { body }: InputOf<'readHostFiles'>,
    @Reply() response: Response,
  ) {
    return this.handOut(host, { kind: 'get_files', ...body }, response)
  }

  private async handOut(
    host: NamedHost,
    order: ReadRequest,
    response: Response,
    /** The request for an agent that is too old for `order`. */
    older?: ReadRequest,
  ): Promise<StreamableFile> {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the client closed the connection')))
    this.breakOffWithRights(host.id, response)
    const file = await this.files.open(host.id, order, gone.signal).catch((error) => {
      const isTooOld = error instanceof RollcallError && error.code === 'agent.method_unknown'
      if (isTooOld && older) return this.files.open(host.id, older, gone.signal)
      throw error
    })
    const stream = Readable.from(file.pieces, { objectMode: false, highWaterMark: 1 })
    stream.once('close', () => file.close())
    response.once('close', () => stream.destroy())
    const type = 'application/octet-stream'
    const saveAs = encodeURIComponent(basename(order.path)).replaceAll("'", '%27')
    const disposition = `attachment; filename*=UTF-8''${saveAs}`
    // Once the first bytes are on their way, an error can only be signalled by breaking off before the announced length.
    return new StreamableFile(stream, { type, disposition, length: file.size })
      .setErrorHandler((error) => {
        this.log.warn({ err: error, host: host.name }, 'a file of a host could not be read to its end')
        response.destroy()
      })
      .setErrorLogger((error) => this.log.debug({ err: error }, 'a file could not be handed on'))
  }

  /** Breaks the download off when its reader may not fetch files of the host any more. */
  private breakOffWithRights(hostId: string, response: Response): void {
    const need = { permission: 'files:fetch', on: { kind: 'host', id: hostId } } as const
    const { signal, release } = this.rights.abortWhenLost(() => this.access.identify(response.req), need)
    response.once('close', release)
    signal.addEventListener('abort', () => response.destroy(signal.reason))
  }
}
