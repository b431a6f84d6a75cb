import { randomBytes } from 'node:crypto'

/** What to do with a piece of standard error: show this, and give the program that, if anything. */
export interface SudoStep {
  shown: Buffer
  /** Bytes for standard input, to be written now, in order; `end` when it is to be closed instead. */
  answers: (Buffer | 'end')[]
}

/**
 * Talks to a sudo that may or may not ask for a password. Rules of sudoers differ by program, so that only sudo itself knows
 * whether it asks; a password that it did not ask for would be read by the program. Hence sudo gets a prompt that nobody can
 * guess, and the password is written when that very prompt is seen, once. The program says by a mark that sudo is through,
 * and only then gets its own input. Prompt and mark are not shown.
 */
export class SudoDialogue {
  readonly argv: readonly string[]
  readonly #prompt: string
  readonly #mark: string
  readonly #password: string
  /** The program's own input. It is the last answer: nothing follows it. */
  readonly stdin: Buffer
  #state: 'silent' | 'answered' | 'refused' | 'through' = 'silent'
  #held = Buffer.alloc(0)

  constructor(
    argv: readonly string[],
    password: string,
    stdin: Buffer,
    secret: string = randomBytes(16).toString('hex'),
  ) {
    this.#prompt = `rollcall-${secret}-password:`
    this.#mark = `rollcall-${secret}-through\n`
    this.#password = password
    this.stdin = stdin
    const announced = `echo ${this.#mark.trimEnd()} >&2; exec "$@"`
    this.argv = ['sudo', '-k', '-S', '-p', this.#prompt, '--', 'sh', '-c', announced, 'sh', ...argv]
  }

  /** Takes what came on standard error. */
  take(data: Buffer): SudoStep {
    if (this.#state === 'through') return { shown: data, answers: [] }
    let rest = Buffer.concat([this.#held, data])
    const shown: Buffer[] = []
    const answers: SudoStep['answers'] = []
    for (;;) {
      const found = firstOf(rest, [this.#prompt, this.#mark])
      if (found === null) break
      shown.push(rest.subarray(0, found.at))
      rest = rest.subarray(found.at + found.text.length)
      answers.push(this.#meet(found.text))
      if (this.#isThrough) break
    }
    const held = this.#isThrough ? 0 : heldBack(rest, [this.#prompt, this.#mark])
    this.#held = rest.subarray(rest.length - held)
    shown.push(rest.subarray(0, rest.length - held))
    return { shown: Buffer.concat(shown), answers }
  }

  /** What was held back because it could have become a prompt or a mark. */
  end(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    return held
  }

  get #isThrough(): boolean {
    return this.#state === 'through'
  }

  #meet(text: string): Buffer | 'end' {
    if (text === this.#mark) {
      this.#state = 'through'
      return this.stdin
    }
    // Asked again: the password was wrong, and there is no other.
    if (this.#state !== 'silent') {
      this.#state = 'refused'
      return 'end'
    }
    this.#state = 'answered'
    return Buffer.from(`${this.#password}\n`)
  }
}

function firstOf(data: Buffer, texts: string[]): { at: number; text: string } | null {
  const found = texts.map((text) => ({ at: data.indexOf(text), text })).filter(({ at }) => at >= 0)
  return found.sort((a, b) => a.at - b.at)[0] ?? null
}

/** How many bytes at the end may be the beginning of one of `texts`. */
function heldBack(data: Buffer, texts: string[]): number {
  const most = Math.min(data.length, Math.max(...texts.map((text) => text.length)) - 1)
  for (let size = most; size > 0; size--) {
    const tail = data.subarray(data.length - size).toString('latin1')
    if (texts.some((text) => text.startsWith(tail))) return size
  }
  return 0
}
