import { randomBytes, randomInt } from 'node:crypto'

interface AgentSecrets {
  token: string
  secretKey: string
  rpcPath: string
}

/** All by which an agent and the servers know each other, in the clear; kept in memory only. */
export interface AgentCredentials extends AgentSecrets {
  certificatePem: string
  privateKeyPem: string
  certificatePin: string
  /** Pin of the server identity that the agent accepts. */
  serverPin: string
}

/** An agent's credentials, and where it listens. */
export interface AgentIdentity extends AgentCredentials {
  rpcPort: number
  /** The port that it is being moved to; null where it stays. */
  nextPort: number | null
  /** Where it may listen; null for where the server puts agents. */
  ports: string | null
}

/** Changes where an agent listens; a field that is left out stays. */
export interface AgentPortChange {
  /** Only for an agent that is not installed yet. */
  rpcPort?: number
  nextPort?: number
  /** Where it may listen, as `7000` or `7000-7100`. */
  ports: string
}

const PATH_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const PATH_LENGTH = 32

/** Makes fresh secrets for one agent: 256 bits each for the token and the secret key, 190 bits in the path. */
export function newSecrets(): AgentSecrets {
  return {
    token: randomBytes(32).toString('base64url'),
    secretKey: randomBytes(32).toString('base64url'),
    rpcPath: Array.from(
      { length: PATH_LENGTH },
      () => PATH_CHARACTERS[randomInt(PATH_CHARACTERS.length)],
    ).join(''),
  }
}
