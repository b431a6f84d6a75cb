import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin'
import { concatMap, from, type Observable, switchMap, tap } from 'rxjs'
import { catchError } from 'rxjs/operators'
import type { KnownRequest, Refused } from '../access/index.ts'
import { parseInput } from '../platform/http/endpoint.ts'
import { ROUTE_NAME } from '../platform/http/route-name.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { type About, AuditLog, type Ended } from './audit-log.ts'
import { toDetail } from './domain/detail.ts'

/** Describes a request for the log. Of a stranger's it holds nothing that the stranger has written. */
export function aboutOf(name: string, request: Refused): About {
  const { principal } = request
  const actor = principal ?? request.signedIn
  return {
    actor: actor ? { kind: actor.kind, id: actor.id, name: actor.name } : null,
    from: request.ip ?? '',
    action: name,
    detail: principal && name in ADMIN_ROUTES ? toDetail(ADMIN_ROUTES[name as AdminRouteName], request) : {},
  }
}

/** Writes down every change: that it was asked for, before it is done, and how it ended. No controller can forget it. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly audit: AuditLog,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const name = Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName
    if (ADMIN_ROUTES[name].audit !== 'always') return next.handle()
    const request = context.switchToHttp().getRequest<KnownRequest>()
    if (!request.principal) return this.ofStranger(name, request, next)
    const about = aboutOf(name, request)
    return from(this.begin(name, request, about)).pipe(
      switchMap((id) =>
        next.handle().pipe(
          // It is done, whether or not this can be written down: the entry before says that it was asked for.
          tap(() => this.orLog(this.audit.ended(about, id, 'done', null), id)),
          catchError((error: unknown) => {
            this.orLog(this.audit.ended(about, id, ...endOf(error)), id)
            throw error
          }),
        ),
      ),
    )
  }

  /** Nothing is begun, nor stored, of a request that the contract does not take. */
  private async begin(name: AdminRouteName, request: KnownRequest, about: About): Promise<string> {
    try {
      parseInput(name, request)
      return await this.audit.asked(about)
    } catch (error) {
      if (error instanceof RollcallError && error.kind === 'rejected')
        this.orLog(this.audit.refused(about, error.code), name)
      throw error
    }
  }

  /**
   * Records only the outcome of strangers' requests, which have no end: a refusal if there were not too many, and what
   * was done before the answer, with the cookie in it, leaves.
   */
  private ofStranger(name: AdminRouteName, request: KnownRequest, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        const [outcome, code] = endOf(error)
        this.orLog(this.audit.refused(aboutOf(name, request), code, outcome), name)
        throw error
      }),
      concatMap(async (answer) => {
        await this.audit.doneForStranger(aboutOf(name, request)).catch((error) => {
          request.res?.removeHeader('set-cookie')
          throw error
        })
        return answer
      }),
    )
  }

  private orLog(writing: Promise<void>, about: string): void {
    writing.catch((error) =>
      this.log.warn({ err: error, about }, 'how a request ended could not be written down'),
    )
  }
}

const endOf = (error: unknown): [Ended, ErrorCode] => [
  error instanceof RollcallError && error.kind === 'rejected' ? 'refused' : 'failed',
  error instanceof RollcallError ? error.code : 'server.defect',
]
