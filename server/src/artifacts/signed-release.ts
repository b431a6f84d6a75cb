/** What a host needs to find a release genuine. */
export interface SignedRelease {
  signature: string
  /** The keys that the host is to trust. */
  keyring: string
  /** Of that, by keys that it may trust already. */
  keyringSignatures: string[]
}
