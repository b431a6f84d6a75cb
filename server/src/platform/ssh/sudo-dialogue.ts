import { randomBytes } from 'node:crypto'
import { wordsOfSudo } from './sudo-words.ts'

/** Bytes for standard input; `input` for the program's own; `end` when it is to be closed instead. */
export type SudoAnswer = Buffer | 'input' | 'end'

/** The reaction to a piece of standard error: text to show, and input for the program, if any. */
export interface SudoStep {
  shown: Buffer
  answers: SudoAnswer[]
}

const MAX_HELD_BYTES = 8192

/**
 * Talks to a sudo that may or may not ask for a password, in whatever words: rules of sudoers differ by program, prompts by
 * locale, PAM module and kind of sudo. So sudo runs a shell that says by a mark that sudo is through, and the password is
 * written before that. Where sudo did not ask, that shell reads the line and drops it, and so does no program; the program
 * takes the shell's place when the shell has read a second mark, behind which its own input begins. What sudo says before
 * it is through (its lecture, its prompt) is shown only when it never was.
 */
export class SudoDialogue {
  readonly argv: readonly string[]
  readonly #through: string
  readonly #begin: string
  readonly #password: string
  #state: 'asking' | 'refused' | 'through' = 'asking'
  #held = Buffer.alloc(0)

  constructor(argv: readonly string[], password: string, secret: string = randomBytes(16).toString('hex')) {
    this.#through = `rollcall-${secret}-through`
    this.#begin = `rollcall-${secret}-begin`
    this.#password = password
    const script = [
      `echo ${this.#through} >&2`,
      `while IFS= read -r line && [ "$line" != ${this.#begin} ]; do :; done`,
      'unset line LC_ALL',
      'exec "$@"',
    ]
    this.argv = ['env', 'LC_ALL=C', 'sudo', '-k', '-S', '--', 'sh', '-c', script.join('; '), 'sh', ...argv]
  }

  /** Returns the input to write once sudo has been started. */
  begin(): SudoAnswer[] {
    return [Buffer.from(`${this.#password}\n`)]
  }

  /** Takes what came on standard error. */
  take(data: Buffer): SudoStep {
    if (this.#state === 'through') return { shown: data, answers: [] }
    this.#held = Buffer.concat([this.#held, data])
    const mark = `${this.#through}\n`
    const at = this.#held.indexOf(mark)
    if (at >= 0) {
      const shown = this.#held.subarray(at + mark.length)
      this.#held = Buffer.alloc(0)
      this.#state = 'through'
      return { shown, answers: [Buffer.from(`${this.#begin}\n`), 'input'] }
    }
    this.#held = this.#held.subarray(-MAX_HELD_BYTES)
    // Asked again: the password was wrong, and there is no other.
    if (this.#state === 'refused' || !wordsOfSudo(this.#held.toString('utf8')).isAskedAgain)
      return { shown: Buffer.alloc(0), answers: [] }
    this.#state = 'refused'
    return { shown: Buffer.alloc(0), answers: ['end'] }
  }

  /** Returns the output of a sudo that never succeeded. */
  end(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    return held
  }
}
