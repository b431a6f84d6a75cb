import type { AnyAuthMethod, AuthHandlerMiddleware, NextAuthHandler } from 'ssh2'
import type { UsableCredential } from './ssh-credential.ts'

/**
 * Chooses one way to sign in and tries it once: a second attempt with the same secret could only lock the account.
 * `beforeFirst` runs when the host has proved that it holds its key and before anything but the user's name is sent;
 * when it fails, no credential is.
 */
export class SshAuthentication {
  /** Methods that were tried, in words, and what the host would still accept. */
  readonly tried: string[] = []
  offered: readonly string[] | undefined
  /** Why `beforeFirst` failed. */
  refusal: unknown
  readonly #user: string
  readonly #credential: UsableCredential
  readonly #beforeFirst: () => Promise<void>
  #isProved = false

  constructor(user: string, credential: UsableCredential, beforeFirst: () => Promise<void>) {
    this.#user = user
    this.#credential = credential
    this.#beforeFirst = beforeFirst
  }

  readonly handler: AuthHandlerMiddleware = (methodsLeft, _partialSuccess, next) => {
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
    this.offered = methodsLeft ?? []
    const method = this.tried.length === 0 ? this.#choose(this.offered) : undefined
    if (method) next(method)
    else stop(next)
  }

  #choose(offered: readonly string[]): AnyAuthMethod | undefined {
    const credential = this.#credential
    const username = this.#user
    if (credential.type === 'key') {
      if (!offered.includes('publickey')) return undefined
      this.tried.push(`publickey (${credential.key.type})`)
      return { type: 'publickey', username, key: credential.key }
    }
    const { password } = credential
    if (offered.includes('password')) {
      this.tried.push('password')
      return { type: 'password', username, password }
    }
    if (!offered.includes('keyboard-interactive')) return undefined
    this.tried.push('keyboard-interactive (with the password)')
    // One hidden question is the password; anything else (a one-time code) we cannot answer, and say nothing to.
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _lang, prompts, finish) =>
        finish(prompts.map((prompt) => (prompts.length === 1 && prompt.echo !== true ? password : ''))),
    }
  }
}

// ssh2 takes `false` for "no more methods", which its types leave out.
const stop = (next: NextAuthHandler) => (next as (method: unknown) => void)(false)
