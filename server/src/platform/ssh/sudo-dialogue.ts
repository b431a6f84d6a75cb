import { randomBytes } from 'node:crypto'
import { parseSudoMessage } from './sudo-words.ts'

/** Bytes for standard input; `input` for the program's own input; `end` to close it. */
export type SudoAnswer = Buffer | 'input' | 'end'

/** The output to show for a piece of standard error, and the input to send. */
export interface SudoStep {
  shown: Buffer
  answers: SudoAnswer[]
}

const MAX_HELD_BYTES = 8192

/**
 * Answers a sudo that may or may not ask for a password, in any wording, because rules and prompts vary. sudo runs a
 * shell that prints a mark once sudo is done; the password is written before that, and the shell discards it if sudo
 * did not ask. The program replaces the shell once it has read a second mark, after which its own input begins. Output
 * of sudo before the mark is shown only if the mark never appears.
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

  /** Returns what to write once sudo has started. */
  begin(): SudoAnswer[] {
    return [Buffer.from(`${this.#password}\n`)]
  }

  /** Consumes a piece of standard error. */
  consume(data: Buffer): SudoStep {
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
    // A repeated prompt means a wrong password, and there is no other.
    if (this.#state === 'refused' || !parseSudoMessage(this.#held.toString('utf8')).isAskedAgain)
      return { shown: Buffer.alloc(0), answers: [] }
    this.#state = 'refused'
    return { shown: Buffer.alloc(0), answers: ['end'] }
  }

  /** Returns sudo's output if its mark never appeared. */
  end(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    return held
  }
}
