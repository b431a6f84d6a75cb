import { readdirSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { beforeAll, expect, it } from 'vitest'
import type { Context } from '../src/context.ts'
import { buildProgram } from '../src/program.ts'

const ROOT = new URL('../../', import.meta.url)
const GUIDES = readdirSync(new URL('docs/guides/', ROOT)).map((name) => `docs/guides/${name}`)
const PAGES = ['README.md', ...GUIDES.filter((path) => path.endsWith('.md'))]

let program: Command
beforeAll(async () => {
  // Commands are built and none is run.
  program = await buildProgram({ env: {} } as Context, '0', [])
})

/** Finds what a page has its reader type: lines of code that begin with the program, also behind a pipe, and code within text. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```[a-z]*\n(.*?)^```$/gms)].flatMap(([, code = '']) => code.split('\n'))
  const prose = text.replaceAll(/^```[a-z]*\n.*?^```$/gms, '')
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) =>
    code.replaceAll(String.raw`\|`, '|'),
  )
  return [...blocks, ...inline].flatMap((line) =>
    [...line.matchAll(/(?:^|[|;&] *|\b(?:npx|do) |<\()rollcall ([^|#)]*)/g)].map(([, words = '']) =>
      words.trim(),
    ),
  )
}

/** Returns the words of a command that are neither a command nor an option of the program. */
function unknownIn(line: string): string[] {
  const [own = ''] = line.split(' -- ')
  let command: Command = program
  const unknown: string[] = []
  for (const word of own.split(/\s+/)) {
    const [option = ''] = word.split('=')
    const next = command.commands.find((each) => each.name() === word)
    if (next) command = next
    else if (/^--[a-z]/.test(option)) {
      if (option !== '--help' && !command.options.some(({ long }) => long === option)) unknown.push(option)
    } else if (command.commands.length > 0 && /^[a-z-]+$/.test(word)) unknown.push(word)
  }
  return unknown
}

it.each(PAGES)('every command and option that %s names is one of the program', (path) => {
  const commands = commandsIn(readFileSync(new URL(path, ROOT), 'utf8'))
  const wrong = commands.flatMap((line) => unknownIn(line).map((word) => `${word} in: rollcall ${line}`))
  expect(wrong).toEqual([])
})

it('a command that the program does not have is found in a page', () => {
  expect(unknownIn('service applly compose.yml')).toEqual(['applly'])
  expect(unknownIn('service apply compose.yml --wiat')).toEqual(['--wiat'])
  expect(commandsIn('Say `cat x | rollcall secret set a`.\n```\nnpx rollcall host list\n```\n')).toEqual([
    'host list',
    'secret set a',
  ])
})
