import { expect, it } from 'vitest'
import {
  formatSignature,
  parseChallenge,
  parseSignature,
  ReplayMemory,
  RequestSigner,
  SIGNATURE_AGE_MS,
  SIGNATURE_AHEAD_MS,
  type Signature,
  signedText,
} from './signing.ts'

const HASH = 'h'.repeat(43)
const signature = (change: Partial<Signature> = {}): Signature => ({
  epoch: 'life-1',
  timeMs: 100_000,
  nonce: 'nonce-0001',
  bodyHash: HASH,
  mac: 'm'.repeat(43),
  ...change,
})
const REQUEST = { method: 'POST', path: '/x/rpc', agentPin: 'sha256/x' }

it('a signature is parsed as it was written, and no other text is a signature', () => {
  expect(parseSignature(formatSignature(signature()))).toEqual(signature())
  for (const text of ['', '1', '1.a.b.c.d.e', `2${formatSignature(signature()).slice(1)}`, 'x'.repeat(9000)])
    expect(parseSignature(text)).toBeNull()
  expect(parseSignature(formatSignature(signature({ timeMs: -1 })))).toBeNull()
  expect(parseChallenge('1.life.12')).toEqual({ epoch: 'life', timeMs: 12 })
  expect(parseChallenge('1.life.1e3')).toBeNull()
})

it('two requests that differ in any part have different signatures', () => {
  const texts = [
    signedText(signature(), REQUEST),
    ...[{ epoch: 'life-2' }, { timeMs: 1 }, { nonce: 'nonce-0002' }, { bodyHash: 'i'.repeat(43) }].map(
      (change) => signedText(signature(change), REQUEST),
    ),
    ...[{ method: 'GET' }, { path: '/y/rpc' }, { agentPin: 'sha256/y' }].map((change) =>
      signedText(signature(), { ...REQUEST, ...change }),
    ),
  ]
  expect(new Set(texts).size).toBe(texts.length)
})

it.each<[string, Partial<Signature>, string]>([
  ['of another life of the agent', { epoch: 'life-0' }, 'stale'],
  ['older than the window', { timeMs: 100_000 - SIGNATURE_AGE_MS - 1 }, 'stale'],
  ['as old as the window', { timeMs: 100_000 - SIGNATURE_AGE_MS }, 'timely'],
  ['ahead of time', { timeMs: 100_000 + SIGNATURE_AHEAD_MS + 1 }, 'stale'],
])('a request %s is judged accordingly', (_what, change, verdict) => {
  expect(new ReplayMemory('life-1').judge(signature(change), 100_000)).toBe(verdict)
})

it('no request is accepted twice, whatever comes in between and whatever was forgotten', () => {
  const memory = new ReplayMemory('life-1')
  const accepted: Signature[] = []
  for (let i = 0; i < 40_000; i++) {
    const one = signature({ nonce: `nonce-${i}-xx`, timeMs: 100_000 + i })
    if (memory.judge(one, 100_000 + i) === 'timely') accepted.push(one)
  }
  expect(accepted).toHaveLength(40_000)
  const again = accepted.filter((one) => memory.judge(one, 140_000) === 'timely')
  expect(again).toEqual([])
})

it('a flood within one millisecond is accepted up to the bound of nonces, then challenged again', () => {
  const memory = new ReplayMemory('life-1')
  const verdicts = Array.from({ length: 50_000 }, (_, i) =>
    memory.judge(signature({ nonce: `nonce-${i}-xx` }), 100_000),
  )
  expect(verdicts.filter((verdict) => verdict === 'timely').length).toBeLessThanOrEqual(3 * 8192)
  expect(memory.judge(signature({ nonce: 'nonce-late', timeMs: 100_001 }), 100_001)).toBe('timely')
})

it('a caller signs with the time of the last challenge and uses no nonce twice', () => {
  let now = 5000
  const signer = new RequestSigner({
    hmac: () => 'm'.repeat(43),
    digest: () => HASH,
    monotonicMs: () => now,
    randomName: () => 'somebody-123',
  })
  const sign = () => parseSignature(signer.sign('{}', REQUEST))
  expect(sign()).toMatchObject({ epoch: 'unknown' })
  signer.learn({ epoch: 'life-1', timeMs: 90_000 })
  now += 250
  expect(sign()).toMatchObject({ epoch: 'life-1', timeMs: 90_250 })
  expect(sign()?.nonce).not.toBe(sign()?.nonce)
})
