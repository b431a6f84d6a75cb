import type { z } from 'zod'
import { COMMAND_METHODS } from './commands.ts'
import { CREDENTIAL_METHODS } from './credentials.ts'
import { FILE_METHODS } from './files.ts'
import { HOST_METHODS } from './host.ts'
import { INSTANCE_METHODS } from './instances.ts'
import { PLAYBOOK_METHODS } from './playbooks.ts'

export * from './commands.ts'
export * from './config.ts'
export * from './containers.ts'
export * from './credentials.ts'
export * from './envelope.ts'
export * from './file-entries.ts'
export * from './files.ts'
export * from './host.ts'
export * from './instances.ts'
export * from './method.ts'
export * from './playbooks.ts'
export * from './releases.ts'
export * from './rpc-error.ts'
export * from './signing.ts'

/** Every method an agent answers, by its JSON-RPC name. */
export const AGENT_METHODS = {
  ...HOST_METHODS,
  ...COMMAND_METHODS,
  ...PLAYBOOK_METHODS,
  ...FILE_METHODS,
  ...CREDENTIAL_METHODS,
  ...INSTANCE_METHODS,
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
