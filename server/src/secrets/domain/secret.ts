/** A secret without its values. */
export interface Secret {
  id: string
  name: string
  /** The newest, counted from 1. */
  version: number
  /** The size of the newest version. */
  bytes: number
  createdBy: string
  createdAt: Date
  updatedAt: Date
}

/** A version of a secret without its value. */
export interface SecretVersion {
  version: number
  /** A keyed hash of name and value: equal for equal values of one secret, and of no use without the master key. */
  digest: string
  bytes: number
  /** False if the value has a NUL, which no environment variable can hold. */
  fitsEnvironment: boolean
  createdBy: string
  createdAt: Date
}

/** The newest version of a secret, as plans compare it. */
export type NewestVersion = Pick<SecretVersion, 'version' | 'digest' | 'fitsEnvironment'>

/** A version of a secret that something needs now. */
export interface SecretUse {
  name: string
  version: number
  /** Who needs it, such as the service `shop/web`. */
  by: string
}
