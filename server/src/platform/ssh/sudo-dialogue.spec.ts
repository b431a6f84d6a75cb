import { describe, expect, it } from 'vitest'
import { SudoDialogue } from './sudo-dialogue.ts'

const STDIN = Buffer.from('echo script\n')
const PROMPT = 'rollcall-nonce-password:'
const MARK = 'rollcall-nonce-through\n'

const open = () => new SudoDialogue(['sh', '-s'], 'secret', STDIN, 'nonce')

/** Feeds pieces of standard error; tells what a person sees and what the program's side gets, in order. */
function talk(...pieces: string[]) {
  const dialogue = open()
  let shown = ''
  const answers: string[] = []
  for (const piece of pieces) {
    const step = dialogue.take(Buffer.from(piece))
    shown += step.shown
    answers.push(...step.answers.map(String))
  }
  return { shown: shown + dialogue.end(), answers }
}

describe('talking to sudo', () => {
  it('never gives the password to a program that sudo started without asking', () => {
    expect(talk(MARK, 'sh: 1: oops\n')).toEqual({ shown: 'sh: 1: oops\n', answers: ['echo script\n'] })
  })

  it('gives the password when sudo asks, and the input when sudo is through', () => {
    expect(talk(PROMPT, MARK, 'warning\n')).toEqual({
      shown: 'warning\n',
      answers: ['secret\n', 'echo script\n'],
    })
  })

  it('gives nothing before one of the two was seen', () => {
    expect(talk('sudo: unable to resolve host web1\n')).toEqual({
      shown: 'sudo: unable to resolve host web1\n',
      answers: [],
    })
    expect(talk('Password:', '[sudo] password for ops: ').answers).toEqual([])
  })

  it('gives a wrong password once and closes the input at the second question', () => {
    const { shown, answers } = talk(PROMPT, 'Sorry, try again.\n', PROMPT, 'sudo: 1 incorrect attempt\n')
    expect(answers).toEqual(['secret\n', 'end'])
    expect(shown).toBe('Sorry, try again.\nsudo: 1 incorrect attempt\n')
  })

  it('finds both however the bytes are cut, and shows nothing of them', () => {
    const text = `lecture\n${PROMPT}\n${MARK}out\n`
    for (let cut = 1; cut < text.length; cut++) {
      expect(talk(text.slice(0, cut), text.slice(cut))).toEqual({
        shown: 'lecture\n\nout\n',
        answers: ['secret\n', 'echo script\n'],
      })
    }
    expect(talk(...text).shown).toBe('lecture\n\nout\n')
  })

  it('shows what only began like a prompt', () => {
    expect(talk('rollcall-nonce-pass', 'ed\n').shown).toBe('rollcall-nonce-passed\n')
    expect(talk('rollcall-').shown).toBe('rollcall-')
  })

  it('takes nothing for a question once the program runs', () => {
    expect(talk(MARK, PROMPT, MARK)).toEqual({ shown: PROMPT + MARK, answers: ['echo script\n'] })
  })

  it('has a prompt and a mark that nobody can guess, and the password in no argv', () => {
    const [first, second] = [1, 2].map(() => new SudoDialogue(['id'], 'secret', STDIN).argv.join(' '))
    expect(first).not.toBe(second)
    expect(first).toMatch(/rollcall-[0-9a-f]{32}-password:/)
    expect(first).not.toContain('secret')
  })
})
