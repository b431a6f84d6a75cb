import { describe, expect, it } from 'vitest'
import { parseChallenge, toTokenUrl } from './challenge.ts'

describe('what a registry asks for', () => {
  it.each([
    ['Basic realm="Registry"', { scheme: 'basic' }],
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull"',
      { scheme: 'bearer', realm: 'https://auth.docker.io/token', service: 'registry.docker.io' },
    ],
    ['bearer realm=https://a.lan/t', { scheme: 'bearer', realm: 'https://a.lan/t', service: null }],
    ['Bearer realm="no url"', null],
    ['Bearer', null],
    ['Negotiate', null],
    [undefined, null],
    [`Bearer ${'a="'.repeat(5000)}`, null],
  ])('the challenge %s is understood, or told to be none', (header, expected) => {
    expect(parseChallenge(header)).toEqual(expected)
  })

  it('a token is asked for pulling one image, whatever else the address holds', () => {
    const challenge = { scheme: 'bearer', realm: 'https://a.lan/t?x=1', service: 's&x' } as const
    expect(toTokenUrl(challenge, 'shop/web').href).toBe(
      'https://a.lan/t?x=1&service=s%26x&scope=repository%3Ashop%2Fweb%3Apull',
    )
  })
})
