import type { AnyAuthMethod, AuthHandlerMiddleware, NextAuthHandler } from 'ssh2'
import { chooseMethod, type SignInMethod, type SignInView, type TriedMethod } from './sign-in-choice.ts'
import type { UsableCredential } from './ssh-credential.ts'
import { describeCertificate, isCertificateKey } from './user-certificate.ts'

const MAX_MESSAGE_LENGTH = 2000

/**
 * Signs in with as many methods as the host requires, each tried once. `beforeFirst` runs once the host has proved its
 * key and before any credential is sent; if it fails, none is.
 */
export class SshAuthentication {
  /** The error of `beforeFirst`. */
  refusal: unknown
  /** Called when the host asks a question that cannot be answered. */
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

  /** The methods that were tried, for messages. */
  get attempts(): readonly string[] {
    return this.#tried.map(({ method, isAccepted }) => {
      const accepted = isAccepted ? ', which it accepted' : ''
      if (method !== 'publickey')
        return `${method === 'password' ? method : `${method} (with the password)`}${accepted}`
      const { key } = this.#credential
      const what = isCertificateKey(key) ? describeCertificate(key.certificate) : key?.type
      return `publickey (${what})${accepted}`
    })
  }

  /** The host's own messages since a credential was sent. */
  get messages(): string {
    return this.#words.trim()
  }

  /**
   * Records the host's messages during the sign-in; those before the first credential are for everyone and not kept.
   */
  record(text: string): void {
    if (this.hasTried) this.#words = `${this.#words}\n${text}`.slice(0, MAX_MESSAGE_LENGTH)
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
        // A single hidden prompt is for the password. Others, such as one-time codes or new passwords, are not
        // answered.
        const isPassword = !this.#isPasswordGiven && prompts.length === 1 && prompts[0]?.echo !== true
        if (isPassword && !isOtherQuestion(prompts[0]?.prompt ?? '')) {
          this.#isPasswordGiven = true
          finish([password])
          return
        }
        this.record([name, instructions, ...prompts.map(({ prompt }) => prompt)].filter(Boolean).join(' '))
        this.onUnanswerable()
      },
    }
  }
}

/** Tells hidden prompts that are not for the account's password. */
const isOtherQuestion = (prompt: string) =>
  /verification code|one-time|\botp\b|token|passcode|new password|new unix password|duo|challenge/i.test(
    prompt,
  )

// ssh2 accepts `false` for "no more methods", which its types omit.
const stop = (next: NextAuthHandler) => (next as (method: unknown) => void)(false)
