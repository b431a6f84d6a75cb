import type { Client } from 'ssh2'
import { isCertificateKey } from './user-certificate.ts'
import { wireString } from './wire.ts'

/** The internals of ssh2 that are used: its version is pinned, and sign-in by certificate is tested on real hosts. */
interface Protocol {
  authPK(user: string, key: unknown, algorithm: unknown, sign?: (data: Buffer, done: unknown) => void): void
  _authsQueue: string[]
  _packetRW: {
    write: { allocStart: number; alloc(length: number): Buffer; finalize(packet: Buffer): Buffer }
  }
  _cipher: { encrypt(packet: Buffer): void }
}

/**
 * Adds sign-in by certificate to a client. ssh2 uses one algorithm name for key and signature, which differ for
 * certificates; the rest of the request is the same as for a plain key.
 */
export function enableCertificates(client: Client): void {
  const protocol = (client as unknown as { _protocol: Protocol })._protocol
  const plain = protocol.authPK
  protocol.authPK = (user, key, algorithm, sign) => {
    if (sign === undefined || !isCertificateKey(key)) return plain.call(protocol, user, key, algorithm, sign)
    plain.call(protocol, user, key, algorithm, (signed) => {
      // The signature covers the session id and then the request itself.
      const request = signed.subarray(4 + signed.readUInt32BE())
      const payload = Buffer.concat([request, wireString(key.signatureOf(signed))])
      const packet = protocol._packetRW.write.alloc(payload.length)
      packet.set(payload, protocol._packetRW.write.allocStart)
      protocol._authsQueue.push('publickey')
      protocol._cipher.encrypt(protocol._packetRW.write.finalize(packet))
    })
  }
}
