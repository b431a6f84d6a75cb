import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { keyringText, releaseText } from '@rollcall/contracts/agent'
import { expect, it } from 'vitest'
import { ReleaseSigner } from '../fleet/release-signer.ts'

const FOLDER = fileURLToPath(new URL('../../playbooks/host', import.meta.url))
const PROGRAM = `
import json, sys
sys.path.insert(0, sys.argv[1])
from rollcall_host import signature
for name, args in json.load(sys.stdin):
    try:
        print(json.dumps(getattr(signature, name)(*args)))
    except signature.Refused as refused:
        print(json.dumps(str(refused)))
`

/** Calls the host's own program. Returns for each call null, a value, or why it refuses. */
async function onHost(calls: [name: string, args: unknown[]][]): Promise<unknown[]> {
  const child = execFile('python3', ['-c', PROGRAM, FOLDER])
  let said = ''
  child.stdout?.on('data', (data) => {
    said += data
  })
  child.stdin?.end(JSON.stringify(calls))
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code).toBe(0)
  return said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const RELEASE = { version: '1.2.3+ab', architecture: 'x64' as const, sha256: 'a'.repeat(64) }
const ARGS = [RELEASE.version, RELEASE.architecture, RELEASE.sha256]

it('a host signs off the text that the server signs', async () => {
  expect(await onHost([['release_text', ARGS]])).toEqual([releaseText(RELEASE)])
})

it('a host takes a release that a key of its keyring has signed, and no other', async () => {
  const [signer, other] = [new ReleaseSigner(), new ReleaseSigner()]
  const { signature } = signer.sign(RELEASE)
  const both = keyringText([other.key, signer.key])
  const bytes = Buffer.from(signature, 'base64')
  const changed = [0, 20, 31, 32, 50, 63].map((at) => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ 1
    return copy.toString('base64')
  })
  const wrong = [
    [...ARGS, signature, other.keyring],
    ['1.2.4', 'x64', RELEASE.sha256, signature, both],
    [RELEASE.version, 'arm64', RELEASE.sha256, signature, both],
    [RELEASE.version, 'x64', 'b'.repeat(64), signature, both],
    ...changed.map((one) => [...ARGS, one, both]),
    [...ARGS, '', both],
    [...ARGS, null, both],
    [...ARGS, 'no base64!', both],
    [...ARGS, Buffer.alloc(64, 255).toString('base64'), both],
    [...ARGS, Buffer.alloc(64).toString('base64'), keyringText([Buffer.alloc(32).toString('base64')])],
    [...ARGS, signature, 'rollcall release keys'],
    [...ARGS, signature, `something else\n${signer.key}`],
  ]
  const answers = await onHost([
    ['check_release', [...ARGS, signature, both]],
    ...wrong.map((args): [string, unknown[]] => ['check_release', args]),
  ])
  expect(answers[0]).toBeNull()
  for (const answer of answers.slice(1)) expect(answer).toEqual(expect.stringMatching(/release|signature/i))
  expect(answers).toHaveLength(1 + wrong.length)
})

it('a host trusts another keyring only where a key that it trusts has signed that', async () => {
  const [old, fresh, stranger] = [new ReleaseSigner(), new ReleaseSigner(), new ReleaseSigner()]
  const by = (signer: ReleaseSigner) => signer.signText(fresh.keyring)
  const check = (keyring: string, signatures: string[], pinned: string): [string, unknown[]] => [
    'check_keyring',
    [keyring, signatures, pinned],
  ]
  const answers = await onHost([
    check(old.keyring, [], old.keyring),
    check(fresh.keyring, [by(fresh), by(old)], old.keyring),
    check(fresh.keyring, [by(fresh), by(stranger)], old.keyring),
    check(fresh.keyring, [], old.keyring),
    check(fresh.keyring, [old.signText(stranger.keyring)], old.keyring),
  ])
  expect(answers.slice(0, 2)).toEqual([null, null])
  for (const answer of answers.slice(2)) expect(answer).toContain('install the agent again over SSH')
})
