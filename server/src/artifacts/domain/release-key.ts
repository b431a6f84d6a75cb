/** A stored server key; its private half is sealed. */
export interface StoredReleaseKey {
  id: number
  publicKey: string
  privateKey: Uint8Array<ArrayBuffer>
  createdAt: Date
}

/** A server key as hosts know it. */
export interface KnownReleaseKey {
  key: string
  createdAt: Date
}
