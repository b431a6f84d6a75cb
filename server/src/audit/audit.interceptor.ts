import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName, type AuditEntry } from '@rollcall/contracts/admin'
import { from, type Observable, switchMap, tap } from 'rxjs'
import { catchError } from 'rxjs/operators'
import type { KnownRequest } from '../access/index.ts'
import { ROUTE_NAME } from '../platform/http/route-name.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { AuditLog } from './audit-log.ts'
import { detailOf } from './domain/audited.ts'

/** What stands in the log of a request. */
export function aboutOf(
  name: string,
  request: KnownRequest,
): Pick<AuditEntry, 'actor' | 'from' | 'action' | 'detail'> {
  const { principal } = request
  return {
    actor: principal ? { kind: principal.kind, id: principal.id, name: principal.name } : null,
    from: request.ip ?? '',
    action: name,
    detail: detailOf(request),
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
    const about = aboutOf(name, context.switchToHttp().getRequest<KnownRequest>())
    return from(this.audit.asked(about)).pipe(
      switchMap((request) =>
        next.handle().pipe(
          // It is done, whether or not this can be written down: the entry before says that it was asked for.
          tap(() => this.end(about, request, 'done', null)),
          catchError((error: unknown) => {
            const code = error instanceof RollcallError ? error.code : 'server.defect'
            const isRefused = error instanceof RollcallError && error.kind === 'rejected'
            this.end(about, request, isRefused ? 'refused' : 'failed', code)
            throw error
          }),
        ),
      ),
    )
  }

  private end(
    about: Parameters<AuditLog['ended']>[0],
    request: string,
    outcome: 'done' | 'refused' | 'failed',
    code: string | null,
  ): void {
    this.audit
      .ended(about, request, outcome, code)
      .catch((error) =>
        this.log.warn({ err: error, request }, 'how a request ended could not be written down'),
      )
  }
}
