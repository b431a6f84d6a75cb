import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin'
import { map, type Observable } from 'rxjs'
import { ROUTE_NAME } from './route-name.ts'

/** Lets out only what the contract declares: an answer that holds more or less is our defect, not the caller's surprise. */
@Injectable()
export class ContractInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const name = Reflect.getMetadata(ROUTE_NAME, context.getHandler()) as AdminRouteName
    return next.handle().pipe(
      map((answer) => {
        const parsed = ADMIN_ROUTES[name].response.safeParse(answer)
        if (parsed.success) return parsed.data
        throw new RollcallError('server.defect', `The answer of ${name} does not fit its contract.`, {
          cause: parsed.error,
        })
      }),
    )
  }
}
