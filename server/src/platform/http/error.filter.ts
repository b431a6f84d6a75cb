import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common'
import { ERRORS, RollcallError } from '@rollcall/contracts'
import type { ErrorBody } from '@rollcall/contracts/admin'
import type { Response } from 'express'
import { LOGGER, type Logger } from '../log.ts'
import { isDatabaseAway } from '../prisma/database-errors.ts'

/** Converts errors to HTTP responses. Defects are logged here and reported without details. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = toRollcallError(thrown)
    if (error.kind === 'defect') this.log.error({ err: thrown }, 'a request failed with an internal error')
    const body: ErrorBody = {
      error: { code: error.code, kind: error.kind, message: error.message, fields: error.fields },
    }
    host.switchToHttp().getResponse<Response>().status(ERRORS[error.code].status).json(body)
  }
}

function toRollcallError(thrown: unknown): RollcallError {
  if (thrown instanceof RollcallError) return thrown
  const { status, type } = thrown as { status?: number; type?: string }
  if (thrown instanceof HttpException && status === 404)
    return new RollcallError(
      'request.not_found',
      'This address does not exist. GET /api/openapi.json lists all routes.',
    )
  if (status === 413 || type === 'entity.too.large')
    return new RollcallError('request.too_large', 'The request is larger than 2 MiB.')
  if (status !== undefined && status >= 400 && status < 500)
    return new RollcallError(
      'request.invalid',
      `The request is unreadable: ${(thrown as Error).message}. Send JSON with content-type application/json.`,
    )
  if (isDatabaseAway(thrown))
    return new RollcallError(
      'server.database_unavailable',
      'The database is temporarily unavailable. Try again.',
      { outcome: 'unknown', cause: thrown },
    )
  return new RollcallError('server.defect', 'Internal error of the server; see its log.', {
    cause: thrown,
  })
}
