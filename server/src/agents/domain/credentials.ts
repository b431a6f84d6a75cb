import { randomBytes, randomInt } from 'node:crypto'

export interface AgentCredentials {
  token: string
  secretKey: string
  rpcPath: string
}

const PATH_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const PATH_LENGTH = 32

/** Fresh secrets for one agent: 256 bits each for the token and the secret key, 190 bits in the path. */
export function newCredentials(): AgentCredentials {
  return {
    token: randomBytes(32).toString('base64url'),
    secretKey: randomBytes(32).toString('base64url'),
    rpcPath: Array.from(
      { length: PATH_LENGTH },
      () => PATH_CHARACTERS[randomInt(PATH_CHARACTERS.length)],
    ).join(''),
  }
}
