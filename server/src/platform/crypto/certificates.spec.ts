import { createHash, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { belongsTo, createIdentity, toPin } from './certificates.ts'

const now = new Date('2026-11-21T12:00:00Z')

describe('createIdentity', () => {
  it('an identity has a self-signed certificate, valid from a day before for twenty years', () => {
    const { certificatePem, privateKeyPem } = createIdentity('rollcall-agent', now)
    const certificate = new X509Certificate(certificatePem)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.subject).toBe('CN=rollcall-agent')
    expect(belongsTo(privateKeyPem, certificatePem)).toBe(true)
    expect(new Date(certificate.validFrom)).toEqual(new Date('2026-11-20T12:00:00Z'))
    expect(new Date(certificate.validTo)).toEqual(new Date('2046-11-21T12:00:00Z'))
  })

  it('dates from 2050 on are encoded as RFC 5280 demands', () => {
    const { certificatePem } = createIdentity('x', new Date('2040-01-01T00:00:00Z'))
    expect(new Date(new X509Certificate(certificatePem).validTo)).toEqual(new Date('2060-01-01T00:00:00Z'))
  })

  it('pins the public key, so that no two identities share a pin', () => {
    const identity = createIdentity('a', now)
    const spki = new X509Certificate(identity.certificatePem).publicKey.export({
      type: 'spki',
      format: 'der',
    })
    expect(identity.pin).toBe(`sha256/${createHash('sha256').update(spki).digest('base64')}`)
    expect(toPin(new X509Certificate(createIdentity('a', now).certificatePem))).not.toBe(identity.pin)
  })
})
