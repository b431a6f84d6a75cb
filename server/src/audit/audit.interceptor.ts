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
import type { KnownRequest, RefusedRequest } from '../access/index.ts'
import { parseParts } from '../platform/http/endpoint.ts'
import { ROUTE_NAME } from '../platform/http/route-name.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AuditLog, type AuditOutcome, type AuditSubject } from './audit-log.ts'
import { toDetail } from './domain/detail.ts'

/** Converts a request to what its audit entry says. Omits everything that an anonymous caller wrote. */
export function toAuditSubject(name: string, request: RefusedRequest): AuditSubject {
  const { principal } = request
  const actor = principal ?? request.signedIn
  return {
    actor: actor ? { kind: actor.kind, id: actor.id, name: actor.name } : null,
    from: request.ip ?? '',
    action: name,
    detail: principal && name in ADMIN_ROUTES ? toDetail(ADMIN_ROUTES[name as AdminRouteName], request) : {},
  }
}

/** Records every change twice: when it is requested, before it runs, and with its outcome. */
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
    if (!request.principal) return this.auditAnonymous(name, request, next)
    const about = toAuditSubject(name, request)
    return from(this.begin(name, request, about)).pipe(
      switchMap((id) =>
        next.handle().pipe(
          // The change is made even if recording its outcome fails; the first entry says that it was requested.
          tap(() => this.logFailure(this.audit.recordOutcome(about, id, 'done', null), id)),
          catchError((error: unknown) => {
            this.logFailure(this.audit.recordOutcome(about, id, ...toOutcome(error)), id)
            throw error
          }),
        ),
      ),
    )
  }

  /** Validates the input before anything is recorded or begun. */
  private async begin(name: AdminRouteName, request: KnownRequest, about: AuditSubject): Promise<string> {
    try {
      parseParts(name, request)
      return await this.audit.recordRequest(about)
    } catch (error) {
      if (error instanceof RollcallError && error.kind === 'rejected')
        this.logFailure(this.audit.recordRefusal(about, error.code), name)
      throw error
    }
  }

  /**
   * Records only the outcome of anonymous requests: refusals within the rate limits, and successes before the response
   * with its cookie is sent.
   */
  private auditAnonymous(
    name: AdminRouteName,
    request: KnownRequest,
    next: CallHandler,
  ): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        const [outcome, code] = toOutcome(error)
        this.logFailure(this.audit.recordRefusal(toAuditSubject(name, request), code, outcome), name)
        throw error
      }),
      concatMap(async (answer) => {
        await this.audit.recordAnonymous(toAuditSubject(name, request)).catch((error) => {
          request.res?.removeHeader('set-cookie')
          throw error
        })
        return answer
      }),
    )
  }

  private logFailure(writing: Promise<void>, about: string): void {
    writing.catch((error) =>
      this.log.warn({ err: error, about }, 'failed to record the outcome of a request in the audit log'),
    )
  }
}

const toOutcome = (error: unknown): [AuditOutcome, ErrorCode] => [
  error instanceof RollcallError && error.kind === 'rejected' ? 'refused' : 'failed',
  error instanceof RollcallError ? error.code : 'server.defect',
]
