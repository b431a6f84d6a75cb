import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import forge from 'node-forge'

const { asn1 } = forge
type Asn1 = forge.asn1.Asn1

const OID = { ecdsaWithSha256: '1.2.840.10045.4.3.2', commonName: '2.5.4.3' }
const YEARS = 20

export interface Identity {
  certificatePem: string
  privateKeyPem: string
  /** The pin by which the peer recognises this identity. */
  pin: string
}

/**
 * Creates a P-256 key with a self-signed certificate. Peers recognise the key by its pin, so the name is only
 * informative and the lifetime exceeds any host's. node-forge signs only with RSA, so it encodes the certificate and
 * Node's crypto signs it.
 */
export function createIdentity(commonName: string, now: Date): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const toBeSigned = certificateBody(commonName, publicKey, now)
  const bytes = Buffer.from(asn1.toDer(toBeSigned).getBytes(), 'binary')
  const certificate = sequence([toBeSigned, algorithm(), bitString(sign('sha256', bytes, privateKey))])
  const der = Buffer.from(asn1.toDer(certificate).getBytes(), 'binary')
  const certificatePem = toPem('CERTIFICATE', der)
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { certificatePem, privateKeyPem, pin: toPin(new X509Certificate(certificatePem)) }
}

/** Returns the pin of a certificate's public key (RFC 7469). */
export function toPin(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`
}

/** Returns whether a private key belongs to a certificate. */
export function belongsTo(privateKeyPem: string, certificatePem: string): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))
}

function certificateBody(commonName: string, publicKey: KeyObject, now: Date): Asn1 {
  const name = sequence([set([sequence([oid(OID.commonName), node(asn1.Type.UTF8, commonName)])])])
  const notBefore = new Date(now.getTime() - 86_400_000) // a host's clock may be a day behind
  const notAfter = new Date(now)
  notAfter.setFullYear(now.getFullYear() + YEARS)
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const version3 = asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [integer(Buffer.of(2))])
  return sequence([
    version3,
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm(),
    name,
    sequence([time(notBefore), time(notAfter)]),
    name,
    asn1.fromDer(forge.util.createBuffer(spki.toString('binary'))),
  ])
}

const node = (type: forge.asn1.Type, value: string) => asn1.create(asn1.Class.UNIVERSAL, type, false, value)
const list = (type: forge.asn1.Type, values: Asn1[]) => asn1.create(asn1.Class.UNIVERSAL, type, true, values)
const sequence = (values: Asn1[]) => list(asn1.Type.SEQUENCE, values)
const set = (values: Asn1[]) => list(asn1.Type.SET, values)
const integer = (bytes: Buffer) => node(asn1.Type.INTEGER, bytes.toString('binary'))
const oid = (id: string) => node(asn1.Type.OID, asn1.oidToDer(id).getBytes())
const algorithm = () => sequence([oid(OID.ecdsaWithSha256)])
const bitString = (bytes: Buffer) => node(asn1.Type.BITSTRING, `\0${bytes.toString('binary')}`)
/** RFC 5280: UTCTime until 2049, GeneralizedTime from 2050. */
const time = (date: Date) =>
  date.getUTCFullYear() < 2050
    ? node(asn1.Type.UTCTIME, asn1.dateToUtcTime(date) as unknown as string)
    : node(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date) as unknown as string)

function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
