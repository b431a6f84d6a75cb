import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin'
import { map, type Observable } from 'rxjs'
import { ROUTE_NAME } from './route-name.ts'

/** Validates every response against the contract; a mismatch is a defect of the server. */
@Injectable()
export class ContractInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const name = Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName
    return next.handle().pipe(
      map((answer) => {
        const parsed = ADMIN_ROUTES[name].response.safeParse(answer)
        if (parsed.success) return parsed.data
        throw new RollcallError('server.defect', `The response of ${name} does not match its contract.`, {
          cause: parsed.error,
        })
      }),
    )
  }
}
