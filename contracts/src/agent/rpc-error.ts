import { type ErrorCode, type ErrorKind, type FieldError, type Outcome, RollcallError } from '../errors.ts'

/** JSON-RPC error codes: the standard's own, and one for each kind of `RollcallError`. The stable code is in `data.code`. */
export const RPC_ERROR = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  rejected: -32001,
  unavailable: -32002,
} as const

const RPC_CODE = {
  rejected: RPC_ERROR.rejected,
  unavailable: RPC_ERROR.unavailable,
  defect: RPC_ERROR.internal,
} as const satisfies Record<ErrorKind, number>

/** The `error` of an agent's answer. */
export interface RpcError {
  code: number
  message: string
  data: { code: ErrorCode; kind: ErrorKind; outcome: Outcome; fields: FieldError[] }
}

/** Turns any error into the plain form of the wire. What is not a `RollcallError` is the agent's defect, and its words stay where it was thrown. */
export function toRpcError(error: unknown, code?: number): RpcError {
  const known =
    error instanceof RollcallError
      ? error
      : new RollcallError('agent.defect', 'The agent failed at this call; its journal says why.', {
          outcome: 'unknown',
        })
  return {
    code: code ?? RPC_CODE[known.kind],
    message: known.message,
    data: { code: known.code, kind: known.kind, outcome: known.outcome, fields: known.fields },
  }
}
