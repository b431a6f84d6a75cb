/** How to reach an agent and how to know it: secrets in the clear, so it stays in memory. */
export interface AgentAddress {
  host: string
  port: number
  path: string
  token: string
  /** The key that signs requests. It is never sent. */
  secretKey: string
  /** The pin of the one key that is accepted. */
  certificatePin: string
  /** The pin of the identity that the agent knows us by. */
  serverPin: string
  /** SHA-256 of the DER certificate that the agent was given, in base64: one that is the same byte for byte has the key. */
  certificateDigest?: string
  /** The TLS server name under which the agent shows that certificate; left out for its usual one. */
  serverName?: string
}
