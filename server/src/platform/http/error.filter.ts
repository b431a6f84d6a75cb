import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common'
import { ERRORS, RollcallError } from '@rollcall/contracts'
import type { ErrorBody } from '@rollcall/contracts/admin'
import type { Response } from 'express'
import { LOGGER, type Logger } from '../log.ts'
import { isDatabaseAway } from '../prisma/database-errors.ts'

/** The one place where an error becomes an HTTP status. What is our fault is logged here and told without details. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = asRollcallError(thrown)
    if (error.kind === 'defect') this.log.error({ err: thrown }, 'a request failed by our fault')
    const body: ErrorBody = {
      error: { code: error.code, kind: error.kind, message: error.message, fields: error.fields },
    }
    host.switchToHttp().getResponse<Response>().status(ERRORS[error.code].status).json(body)
  }
}

function asRollcallError(thrown: unknown): RollcallError {
  if (thrown instanceof RollcallError) return thrown
  const { status, type } = thrown as { status?: number; type?: string }
  if (thrown instanceof HttpException && status === 404)
    return new RollcallError(
      'request.not_found',
      'There is nothing at this address. GET /api/openapi.json lists what there is.',
    )
  if (status === 413 || type === 'entity.too.large')
    return new RollcallError('request.too_large', 'The request is larger than 2 MiB.')
  if (status !== undefined && status >= 400 && status < 500)
    return new RollcallError(
      'request.invalid',
      `The request could not be read: ${(thrown as Error).message}. Send JSON with content-type application/json.`,
    )
  if (isDatabaseAway(thrown))
    return new RollcallError(
      'server.database_unavailable',
      'The database does not answer at the moment. Try again.',
      { outcome: 'unknown', cause: thrown },
    )
  return new RollcallError('server.defect', 'The server failed by its own fault; its log says more.', {
    cause: thrown,
  })
}
