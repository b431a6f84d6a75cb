import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import type { Context } from './context.ts'
import { buildProgram } from './program.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = [
  'server/src/**/*.ts',
  'cli/src/**/*.ts',
  'contracts/src/admin/**/*.ts',
  'web/src/**/*.{ts,tsx}',
]
/** Messages of interactive programs, or about files that are not ours. */
const EXCEPTIONS = [
  'Correct the file.', // a playbook's own
  'Correct the address or the commit', // of a git source, given in the same request
]

/** Yields the messages for people: string literals outside of comments. */
function* messages(): Generator<{ file: string; text: string }> {
  for (const file of globSync(SOURCES, { cwd: ROOT })) {
    if (/\.spec\.ts$|generated|\/testing\//.test(file)) continue
    const code = readFileSync(`${ROOT}/${file}`, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    for (const [text] of code.matchAll(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g))
      yield { file, text }
  }
}

describe('what messages tell people to do', () => {
  it('"rollcall …" in a message is a command that there is, with options that it has', async () => {
    const program = await buildProgram({} as Context, '1.2.3', [])
    const wrong: string[] = []
    let found = 0
    for (const { file, text } of messages())
      for (const [, words = ''] of text.matchAll(/(?:["`:(]\s?|: )rollcall (?!failed)([a-z][^"`')\n]*)/g)) {
        found++
        const fault = faultOf(program, words)
        if (fault) wrong.push(`${file}: "rollcall ${words}": ${fault}`)
      }
    expect(found).toBeGreaterThan(20)
    expect(wrong).toEqual([])
  })

  it('a message that says to change, set or correct something names the command that does', () => {
    const says =
      /(?:^|[.;:,] |or )(?:[Cc]hange|[Cc]orrect|[Ss]et) (?:it|that|them|those|the|its|these|this)\b[^.]*/
    const wrong = [...messages()].flatMap(({ file, text }) => {
      if (!file.startsWith('server/') || !text.includes(' ')) return []
      const [said] = says.exec(text) ?? []
      const isNamed = /rollcall |passwd|[A-Z]+_[A-Z_]+|\/api\//.test(text)
      return said && !isNamed && !EXCEPTIONS.some((one) => text.includes(one)) ? [`${file}: ${text}`] : []
    })
    expect(wrong).toEqual([])
  })
})

/** Returns the fault of a command line; undefined if the program would accept it. */
function faultOf(program: Command, words: string): string | undefined {
  let command = program
  for (const word of words.trim().split(/\s+/)) {
    const name = word.replace(/[.,;:]$/, '')
    if (name === '--') break // what comes next is another program's
    if (name.startsWith('--')) {
      const [option = ''] = name.split('=')
      const all = [command, ...ancestors(command)].flatMap(({ options }) => options)
      if (option !== '--help' && !all.some((one) => one.long === option)) return `has no ${option}`
      continue
    }
    const next = command.commands.find((one) => one.name() === name)
    if (next) command = next
    else if (command.commands.length > 0 && /^[a-z-]+$/.test(name) && command === program) return `no ${name}`
  }
  return command === program ? 'names no command' : undefined
}

function ancestors(command: Command): Command[] {
  return command.parent ? [command.parent, ...ancestors(command.parent)] : []
}
