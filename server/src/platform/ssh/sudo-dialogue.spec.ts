import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { SudoDialogue } from './sudo-dialogue.ts'

const THROUGH = 'rollcall-nonce-through\n'

/** Feeds pieces of standard error; tells what a person sees and what the program's side gets, in order. */
function talk(...pieces: string[]) {
  const dialogue = new SudoDialogue(['sh', '-s'], 'secret', 'nonce')
  const answers = dialogue.begin().map(String)
  let shown = ''
  for (const piece of pieces) {
    const step = dialogue.consume(Buffer.from(piece))
    shown += step.shown
    answers.push(...step.answers.map(String))
  }
  return { shown: shown + dialogue.end(), answers }
}

describe('talking to sudo', () => {
  it.each([
    ['asks', '[sudo] password for ops: '],
    ['asks in words of its own', 'Passwort für ops bitte: '],
    ['asks as sudo-rs does', '[sudo: authenticate] Password: '],
    ['asks for nothing', ''],
    ['lectures first', 'We trust you have received the usual lecture.\nPassword:'],
  ])('sudo gets the password and then the input, without showing a prompt, if it %s', (_what, prompt) => {
    expect(talk(prompt, THROUGH, 'warning\n')).toEqual({
      shown: 'warning\n',
      answers: ['secret\n', 'rollcall-nonce-begin\n', 'input'],
    })
  })

  it('the mark behind sudo is found however the stream is cut', () => {
    const text = `Password:${THROUGH}oops`
    for (let at = 0; at <= text.length; at++)
      expect(talk(text.slice(0, at), text.slice(at))).toEqual({
        shown: 'oops',
        answers: ['secret\n', 'rollcall-nonce-begin\n', 'input'],
      })
  })

  it('a sudo that asks again has its input ended once, and its message is shown', () => {
    const { shown, answers } = talk('Password:', 'Sorry, try again.\n', 'Password:')
    expect(answers).toEqual(['secret\n', 'end'])
    expect(shown).toContain('Sorry, try again.')
  })

  it('messages of sudo are kept within bounds', () => {
    expect(talk(...Array.from({ length: 100 }, () => 'x'.repeat(1000))).shown.length).toBeLessThanOrEqual(
      8192,
    )
  })

  it('the argv of sudo holds no password', () => {
    expect(new SudoDialogue(['id'], 'secret').argv.join(' ')).not.toContain('secret')
  })
})

/** Runs a program behind a stand-in for sudo: a shell that reads the password or does not. */
async function run(asks: boolean, argv: string[], stdin: string) {
  const dialogue = new SudoDialogue(argv, 'secret')
  const own = dialogue.argv.slice(dialogue.argv.indexOf('--') + 1)
  const stand = asks ? 'printf "Password: " >&2; read -r _; exec "$@"' : 'exec "$@"'
  const child = spawn('sh', ['-c', stand, 'sh', ...own])
  let stdout = ''
  let stderr = ''
  const write = (answers: ReturnType<SudoDialogue['begin']>) => {
    for (const answer of answers) {
      if (answer === 'input') child.stdin.end(stdin)
      else if (answer === 'end') child.stdin.end()
      else child.stdin.write(answer)
    }
  }
  // A program need not read what it is given.
  child.stdin.on('error', () => undefined)
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    const { shown, answers } = dialogue.consume(data)
    stderr += shown
    write(answers)
  })
  write(dialogue.begin())
  const exitCode = await new Promise((resolve) => child.once('close', resolve))
  return { exitCode, stdout, stderr: stderr + dialogue.end() }
}

describe.each([true, false])('a program behind a sudo that asks: %s', (asks) => {
  it('gets its own input and never the password', async () => {
    expect(await run(asks, ['cat'], 'one\ntwo')).toEqual({ exitCode: 0, stdout: 'one\ntwo', stderr: '' })
    expect(await run(asks, ['cat'], '')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })

  it('a program behind sudo has its own argv, outputs and exit code', async () => {
    const argv = ['sh', '-c', 'echo "$1"; echo oops >&2; exit 7', 'sh', "it's *"]
    expect(await run(asks, argv, '')).toEqual({ exitCode: 7, stdout: "it's *\n", stderr: 'oops\n' })
  })
})
