import type { z } from 'zod'
import {
  cancelCommand,
  executeCommand,
  getCommandLog,
  releaseCommand,
  resizeTerminal,
  withdrawCommand,
  writeInput,
} from './commands.ts'
import { commitCredentials, stageCredentials } from './credentials.ts'
import { endTransfer, getTools, getTransfer, readChunk, startTransfer, writeChunk } from './files.ts'
import { getPort, getStatus, healthCheck, heartbeat } from './host.ts'
import { executeAnsible } from './playbooks.ts'

export * from './commands.ts'
export * from './config.ts'
export * from './containers.ts'
export * from './credentials.ts'
export * from './envelope.ts'
export * from './files.ts'
export * from './host.ts'
export * from './method.ts'
export * from './playbooks.ts'
export * from './releases.ts'
export * from './rpc-error.ts'
export * from './signing.ts'

/** Every method an agent answers, by its JSON-RPC name. */
export const AGENT_METHODS = {
  health_check: healthCheck,
  heartbeat,
  get_status: getStatus,
  get_port: getPort,
  execute_command: executeCommand,
  execute_ansible: executeAnsible,
  get_command_log: getCommandLog,
  cancel_command: cancelCommand,
  withdraw_command: withdrawCommand,
  release_command: releaseCommand,
  write_input: writeInput,
  resize_terminal: resizeTerminal,
  start_transfer: startTransfer,
  write_chunk: writeChunk,
  read_chunk: readChunk,
  get_transfer: getTransfer,
  end_transfer: endTransfer,
  get_tools: getTools,
  stage_credentials: stageCredentials,
  commit_credentials: commitCredentials,
} as const

export type AgentMethods = typeof AGENT_METHODS
export type AgentMethodName = keyof AgentMethods
/** The parameters as a caller writes them: fields with defaults may be left out. */
export type AgentParamsInput<N extends AgentMethodName> = z.input<AgentMethods[N]['params']>
/** The parameters as a handler reads them: every field is there. */
export type AgentParams<N extends AgentMethodName> = z.output<AgentMethods[N]['params']>
export type AgentResult<N extends AgentMethodName> = z.output<AgentMethods[N]['result']>

/**
 * The handlers of an agent: a method without one does not compile. The signal aborts when the answer was sent or its
 * caller has gone. `bytes` are what came beside the request, in an envelope; empty where there was none.
 */
export type AgentHandlers = {
  [N in AgentMethodName]: (
    params: AgentParams<N>,
    signal: AbortSignal,
    bytes: Uint8Array,
  ) => Promise<AgentResult<N>>
}

/** The header that carries the agent's token. */
export const TOKEN_HEADER = 'x-agent-token'
