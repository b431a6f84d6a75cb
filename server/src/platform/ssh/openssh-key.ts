import { wireString, wireUint32 } from './wire.ts'

const BLOCK_BYTES = 8

/**
 * Writes an unprotected OpenSSH key file in memory for a key of another format, so that ssh2 can read it. `fields`
 * follow the type in OpenSSH's format, in wire encoding.
 */
export function openSshKeyFile(type: string, publicBlob: Buffer, fields: readonly Buffer[]): string {
  const check = wireUint32(0)
  const secret = Buffer.concat([check, check, wireString(type), ...fields, wireString('')])
  const padding = Buffer.from(
    Array.from(
      { length: (BLOCK_BYTES - (secret.length % BLOCK_BYTES)) % BLOCK_BYTES },
      (_, index) => index + 1,
    ),
  )
  const none = wireString('none')
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    none,
    none,
    wireString(''),
    wireUint32(1),
    wireString(publicBlob),
    wireString(Buffer.concat([secret, padding])),
  ])
  const lines = file.toString('base64').replace(/.{70}/g, '$&\n')
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`
}
