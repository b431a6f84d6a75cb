import type { ImageArchitecture } from '@rollcall/contracts/admin'

/** An image as a reference stands for it at its registry: nobody has fetched its layers. */
export interface RegistryImage {
  /** The digest of the index, or of the only manifest. */
  digest: string
  /** The variants that hosts can run; `bytes` is all that one consists of. */
  variants: { architecture: ImageArchitecture; digest: string; bytes: number }[]
}
