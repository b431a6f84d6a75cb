/** A certificate of the servers, and how many installed agents know it. */
export interface KnownIdentity {
  pin: string
  createdAt: Date
  agents: number
}
