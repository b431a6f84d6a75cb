/** A server certificate and the number of installed agents that know it. */
export interface KnownIdentity {
  pin: string
  createdAt: Date
  agents: number
}

/** A stored identity; its private key is sealed. */
export interface StoredIdentity {
  pin: string
  certificate: string
  privateKey: Uint8Array<ArrayBuffer>
}
