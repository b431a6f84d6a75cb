import { toInvalidRequestMessage } from '../admin/parse-request.ts'
import { ERRORS, type ErrorKind, type FieldError, isErrorCode, mayPass } from '../errors.ts'

interface Details {
  code: string
  /** Defaults to what the catalogue says of the code. */
  kind?: ErrorKind
  status?: number
  fields?: readonly FieldError[]
  cause?: unknown
}

/** An error answered by the server. `code` may be one of a later release. */
export class ApiError extends Error {
  readonly code: string
  readonly kind: ErrorKind
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number
  readonly fields: readonly FieldError[]

  constructor(message: string, { code, kind, status, fields = [], cause }: Details) {
    super(message, { cause })
    const known = isErrorCode(code) ? ERRORS[code] : undefined
    this.name = 'ApiError'
    this.code = code
    this.kind = kind ?? known?.kind ?? 'rejected'
    this.status = status ?? known?.status ?? 0
    this.fields = fields
  }

  /** The faults, by the name of the field. */
  get messages(): Record<string, string> {
    return Object.fromEntries(this.fields.map(({ field, message }) => [field, message]))
  }
}

/** The contract refuses the request, so it was not sent. */
export class InvalidRequestError extends ApiError {
  constructor(fields: readonly FieldError[], cause?: unknown) {
    super(toInvalidRequestMessage(fields), { code: 'request.invalid', fields, cause })
  }
}

/** The answer is not what the contract says. The request may have been carried out. */
export class InvalidAnswerError extends ApiError {
  constructor(status: number, fields: readonly FieldError[], cause?: unknown) {
    super('The server gave an answer that this client does not understand. Use the same release for both.', {
      code: 'answer.invalid',
      kind: 'defect',
      status,
      fields,
      cause,
    })
  }
}

/** No answer of the server came, at most one of a proxy. The request may have been carried out. */
export class UnreachableError extends ApiError {
  constructor(message: string, details: { status?: number; cause?: unknown } = {}) {
    super(message, { code: 'network', kind: 'unavailable', ...details })
  }
}

/** Tells whether the same request may succeed later. Repeat it only if it is safe to carry out twice. */
export const isTransient = (error: unknown): boolean => error instanceof ApiError && mayPass(error)
