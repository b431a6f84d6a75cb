import { describe, expect, it } from 'vitest'
import { chooseMethod, type SignInView, signInRemedy, type TriedMethod } from './sign-in-choice.ts'

const view = (changes: Partial<SignInView>): SignInView => ({
  offered: ['publickey', 'password', 'keyboard-interactive'],
  hasKey: true,
  hasPassword: true,
  tried: [],
  ...changes,
})
const tried = (method: TriedMethod['method'], isAccepted: boolean): TriedMethod => ({ method, isAccepted })

describe('choosing how to sign in', () => {
  it('the key is tried first, and the password if the host asks for it besides', () => {
    expect(chooseMethod(view({}))).toBe('publickey')
    const offered = ['password']
    expect(chooseMethod(view({ offered, tried: [tried('publickey', true)] }))).toBe('password')
    expect(chooseMethod(view({ offered: ['keyboard-interactive'], tried: [tried('publickey', true)] }))).toBe(
      'keyboard-interactive',
    )
  })

  it('key and password are sent in the order that the host asks for', () => {
    expect(chooseMethod(view({ offered: ['password'] }))).toBe('password')
    expect(chooseMethod(view({ offered: ['publickey'], tried: [tried('password', true)] }))).toBe('publickey')
  })

  it('the password is tried if the key was refused', () => {
    expect(chooseMethod(view({ tried: [tried('publickey', false)] }))).toBe('password')
  })

  it('a refused password is not sent again, by another method either', () => {
    expect(chooseMethod(view({ hasKey: false, tried: [tried('password', false)] }))).toBeUndefined()
    expect(
      chooseMethod(view({ hasKey: false, tried: [tried('keyboard-interactive', false)] })),
    ).toBeUndefined()
  })

  it('an accepted password is sent once more if both methods are required', () => {
    const asked = view({ offered: ['keyboard-interactive'], tried: [tried('password', true)] })
    expect(chooseMethod(asked)).toBe('keyboard-interactive')
  })

  it('sign-in ends whatever the host answers, and tries nothing twice', () => {
    const methods = ['publickey', 'password', 'keyboard-interactive', 'hostbased']
    for (let bits = 0; bits < 2 ** 12; bits++) {
      const seen: TriedMethod[] = []
      for (let step = 0; ; step++) {
        const offered = methods.filter((_name, index) => (bits >> ((step * 3 + index) % 12)) & 1)
        const method = chooseMethod(view({ offered, tried: seen }))
        if (!method) break
        expect(seen.some((one) => one.method === method)).toBe(false)
        seen.push(tried(method, Boolean((bits >> step) & 1)))
        expect(step).toBeLessThan(4)
      }
    }
  })
})

describe('what to do about a refused sign-in', () => {
  it.each<[string, Partial<SignInView>, RegExp]>([
    [
      'a password is missing',
      { hasPassword: false, offered: ['password'], tried: [tried('publickey', true)] },
      /also requires a password/,
    ],
    [
      'a key is missing',
      { hasKey: false, offered: ['publickey'], tried: [tried('password', true)] },
      /also requires a key/,
    ],
    [
      'a second key is wanted',
      { offered: ['publickey'], tried: [tried('publickey', true)] },
      /requires another one/,
    ],
    ['only keys are taken', { hasKey: false, offered: ['publickey'] }, /accepts keys but no passwords/],
    ['no keys are taken', { hasPassword: false, offered: ['password'] }, /accepts no keys/],
    ['all was tried', { tried: [tried('publickey', false), tried('password', false)] }, /authorized_keys/],
  ])('the remedy for a refused sign-in says that %s', (_what, changes, words) => {
    expect(signInRemedy(view(changes))).toMatch(words)
  })
})
