import type { ErrorCode } from '@rollcall/contracts'
import type { Place } from './tree.ts'

/** Why a file is refused, and where. No value of a variable is in it, unless it is a name. */
export interface Fault extends Place {
  code: Extract<
    ErrorCode,
    'service.key_unsupported' | 'service.invalid' | 'service.cycle' | 'request.too_large'
  >
  /** The path of the key, such as `services.web.ports.0` or `services."my.app".image`; empty for the whole file. */
  key: string
  /** Says what is wrong, to be read after the key: "is not supported". */
  reason: string
  /** Says what to write instead. */
  instead: string
}

/** A key that was read: `taken` as Compose does, or `otherwise`, and then `says` tells how. */
export interface ReadKey extends Place {
  key: string
  standing: 'taken' | 'otherwise'
  says: string
}
