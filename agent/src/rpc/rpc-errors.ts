import {
  type ErrorCode,
  type ErrorKind,
  type FieldError,
  type Outcome,
  RollcallError,
} from '@rollcall/contracts'
import { RPC_ERROR } from '@rollcall/contracts/agent'

/** What stands under `error` of an answer. */
export interface RpcError {
  code: number
  message: string
  data: { code: ErrorCode; kind: ErrorKind; outcome: Outcome; fields: FieldError[] }
}

const RPC_CODE = {
  rejected: RPC_ERROR.rejected,
  unavailable: RPC_ERROR.unavailable,
  defect: RPC_ERROR.internal,
} as const

/** Turns any error into the plain form of the wire. What is not a `RollcallError` is our defect, and its words stay here. */
export function toRpcError(error: unknown, code?: number): RpcError {
  const known =
    error instanceof RollcallError
      ? error
      : new RollcallError('server.defect', 'The agent failed at this call; its journal says why.', {
          outcome: 'unknown',
        })
  return {
    code: code ?? RPC_CODE[known.kind],
    message: known.message,
    data: { code: known.code, kind: known.kind, outcome: known.outcome, fields: known.fields },
  }
}
