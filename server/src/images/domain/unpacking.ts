import { type Compression, MAX_LAYER_BYTES } from './manifest.ts'

/** The size unpacked up to which nothing is a bomb, however well it is packed. */
const HARMLESS_BYTES = 1024 ** 3
/** Programs are packed to a third and logs to a twentieth; gzip packs zeros to a thousandth. */
const MAX_RATIO = 200

/** Returns whether something unpacks to so much more than it is that it is meant to do harm, or to more than any layer. Pure. */
export const isBomb = ({ packed, unpacked }: { packed: number; unpacked: number }): boolean =>
  unpacked > MAX_LAYER_BYTES || (unpacked > HARMLESS_BYTES && unpacked > packed * MAX_RATIO)

const MAGICS: readonly (readonly [compression: Compression | 'other', magic: string])[] = [
  ['gzip', '1f8b'],
  ['zstd', '28b52ffd'],
  ['other', 'fd377a585a00'],
  ['other', '425a68'],
]
/** The bytes that tell how something is packed. */
export const MAGIC_BYTES = 6

/** Returns how something is packed, by its first bytes; `other` for xz and bzip2, which are not supported. Pure. */
export function compressionByMagic(head: Buffer): Compression | 'other' {
  const hex = head.toString('hex')
  return MAGICS.find(([, magic]) => hex.startsWith(magic))?.[0] ?? 'none'
}
