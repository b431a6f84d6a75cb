import type { AnyAuthMethod, AuthHandlerMiddleware, NextAuthHandler } from 'ssh2'
import { chooseMethod, type SignInMethod, type SignInView, type TriedMethod } from './sign-in-choice.ts'
import type { UsableCredential } from './ssh-credential.ts'
import { describeCertificate, isCertificateKey } from './user-certificate.ts'

const MAX_WORDS = 2000

/**
 * Signs in by as many methods as the host asks for, each tried once. `beforeFirst` runs when the host has proved that it
 * holds its key and before anything but the user's name is sent; when it fails, no credential is.
 */
export class SshAuthentication {
  /** Why `beforeFirst` failed. */
  refusal: unknown
  /** Called when the host asks for what there is no answer to. */
  onUnanswerable: () => void = () => undefined
  readonly #tried: TriedMethod[] = []
  #offered: readonly string[] | undefined
  #words = ''
  readonly #user: string
  readonly #credential: UsableCredential
  readonly #beforeFirst: () => Promise<void>
  #isProved = false
  #isPasswordGiven = false

  constructor(user: string, credential: UsableCredential, beforeFirst: () => Promise<void>) {
    this.#user = user
    this.#credential = credential
    this.#beforeFirst = beforeFirst
  }

  readonly handler: AuthHandlerMiddleware = (methodsLeft, partialSuccess, next) => {
    if (!this.#isProved) {
      this.#isProved = true
      this.#beforeFirst().then(
        () => next({ type: 'none', username: this.#user }),
        (error: unknown) => {
          this.refusal = error
          stop(next)
        },
      )
      return
    }
    this.#offered = methodsLeft ?? []
    const last = this.#tried.at(-1)
    if (last) last.isAccepted = partialSuccess === true
    const method = chooseMethod(this.view)
    if (method) next(this.#attempt(method))
    else stop(next)
  }

  /** True once a credential was sent. */
  get hasTried(): boolean {
    return this.#tried.length > 0
  }

  get view(): SignInView {
    return {
      offered: this.#offered ?? [],
      hasKey: this.#credential.key !== undefined,
      hasPassword: this.#credential.password !== undefined,
      tried: this.#tried,
    }
  }

  /** Methods that were tried, in words. */
  get attempts(): readonly string[] {
    return this.#tried.map(({ method, isAccepted }) => {
      const accepted = isAccepted ? ', which it took' : ''
      if (method !== 'publickey')
        return `${method === 'password' ? method : `${method} (with the password)`}${accepted}`
      const { key } = this.#credential
      const what = isCertificateKey(key) ? describeCertificate(key.certificate) : key?.type
      return `publickey (${what})${accepted}`
    })
  }

  /** The host's own messages since a credential was sent. */
  get words(): string {
    return this.#words.trim()
  }

  /** Takes what the host says while signing in; what it says to everybody, before a credential is sent, is not kept. */
  hear(text: string): void {
    if (this.hasTried) this.#words = `${this.#words}\n${text}`.slice(0, MAX_WORDS)
  }

  #attempt(method: SignInMethod): AnyAuthMethod {
    const username = this.#user
    const { key, password = '' } = this.#credential
    this.#tried.push({ method, isAccepted: false })
    if (method === 'publickey' && key) return { type: 'publickey', username, key }
    if (method === 'password') return { type: 'password', username, password }
    this.#isPasswordGiven = false
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (name, instructions, _lang, prompts, finish) => {
        // One hidden question is the password; anything else (a one-time code, a new password) we cannot answer, and say nothing to.
        const isPassword = !this.#isPasswordGiven && prompts.length === 1 && prompts[0]?.echo !== true
        if (isPassword && !isOtherQuestion(prompts[0]?.prompt ?? '')) {
          this.#isPasswordGiven = true
          finish([password])
          return
        }
        this.hear([name, instructions, ...prompts.map(({ prompt }) => prompt)].filter(Boolean).join(' '))
        this.onUnanswerable()
      },
    }
  }
}

/** Hidden like a password, and yet not that of the account. */
const isOtherQuestion = (prompt: string) =>
  /verification code|one-time|\botp\b|token|passcode|new password|new unix password|duo|challenge/i.test(
    prompt,
  )

// ssh2 takes `false` for "no more methods", which its types leave out.
const stop = (next: NextAuthHandler) => (next as (method: unknown) => void)(false)
