import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common'
import { type ErrorCode, RollcallError } from '@rollcall/contracts'
import type { ErrorBody } from '@rollcall/contracts/admin'
import type { Response } from 'express'
import { LOGGER, type Logger } from '../log.ts'
import { isDatabaseAway } from '../prisma/database-away.ts'

const STATUS: Partial<Record<ErrorCode, number>> = {
  'request.unauthenticated': 401,
  'request.forbidden': 403,
  'request.not_found': 404,
  'request.too_large': 413,
  'access.wrong_credentials': 401,
  'access.code_wrong': 401,
  'access.locked_out': 429,
  'access.outside_scope': 403,
  'access.beyond_own': 403,
  'access.link_invalid': 403,
  'access.sso_failed': 401,
  'access.sso_refused': 403,
  'access.changed_meanwhile': 409,
  'access.last_admin': 409,
  'user.not_found': 404,
  'user.email_taken': 409,
  'key.not_found': 404,
  'key.name_taken': 409,
  'host.not_found': 404,
  'command.not_found': 404,
  'run.not_found': 404,
  'transfer.not_found': 404,
  'file.id_conflict': 409,
  'file.content_gone': 409,
  'saved_command.not_found': 404,
  'schedule.not_found': 404,
  'host.name_taken': 409,
  'host.busy': 409,
  'host.not_installed': 409,
  'host.none_selected': 409,
  'saved_command.name_taken': 409,
  'saved_command.in_use': 409,
  'schedule.name_taken': 409,
  'host.key_changed': 409,
  'command.id_conflict': 409,
  'command.not_running': 409,
  'command.no_input': 409,
  'command.no_terminal': 409,
}

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
    host.switchToHttp().getResponse<Response>().status(statusOf(error)).json(body)
  }
}

function statusOf(error: RollcallError): number {
  if (error.kind === 'unavailable') return 503
  if (error.kind === 'defect') return 500
  return STATUS[error.code] ?? 400
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
