import type { Argument, Command, Option } from 'commander'

export interface Candidate {
  word: string
  description: string
}

/** Names of arguments and of options' values that are hosts. */
const HOSTS = /^(hosts?|host-names?)$/
/** The commands of these take a host by name where their argument says no more than `name`. */
const HOST_GROUPS = new Set(['host'])

/**
 * Returns what may stand in place of the last of `words`, which is the line without the program's name. `hosts` is asked only where a
 * host may stand.
 */
export async function complete(
  program: Command,
  words: readonly string[],
  hosts: () => Promise<string[]>,
): Promise<Candidate[]> {
  const typed = words.at(-1) ?? ''
  const place = walk(program, words.slice(0, -1))
  if (place === null) return []
  const { command, values, pending } = place
  if (pending) return listValues(pending.long ?? '', pending, typed, hosts)
  const [, name, start] = /^(--[a-z-]+)=(.*)$/s.exec(typed) ?? []
  if (name !== undefined) {
    const option = command.options.find(({ long }) => long === name)
    const found = option ? await listValues(name, option, start ?? '', hosts) : []
    return found.map(({ word, description }) => ({ word: `${name}=${word}`, description }))
  }
  if (typed.startsWith('-'))
    return fitting(typed, [...visibleOptions(command), { word: '--help', description: 'how it is used' }])
  const commands = command.commands
    .filter((each) => !isHidden(each))
    .map((each) => ({ word: each.name(), description: each.description() }))
  const argument = command.registeredArguments[Math.min(values, command.registeredArguments.length - 1)]
  const names =
    argument && (values === 0 || argument.variadic) ? await argumentValues(command, argument, hosts) : []
  return fitting(typed, [...commands, ...names])
}

/** The position of the next word: in which command, after how many arguments, and whether an option waits for its value. */
function walk(program: Command, words: readonly string[]) {
  let command = program
  let values = 0
  let pending: Option | undefined
  for (const word of words) {
    if (pending) pending = undefined
    // What comes after is a program's own, and not ours to know.
    else if (word === '--') return null
    else if (word.startsWith('-')) pending = waiting(command, word)
    else {
      const next: Command | undefined =
        values === 0
          ? command.commands.find((each) => each.name() === word || each.aliases().includes(word))
          : undefined
      if (next) command = next
      else values++
    }
  }
  return { command, values, pending }
}

const waiting = (command: Command, word: string) =>
  command.options.find(
    (option) => (option.long === word || option.short === word) && (option.required || option.optional),
  )

async function listValues(
  name: string,
  option: Option,
  typed: string,
  hosts: () => Promise<string[]>,
): Promise<Candidate[]> {
  if (option.argChoices) return fitting(typed, option.argChoices.map(plain))
  if (!HOSTS.test(name.replace(/^--/, ''))) return []
  // Several between commas: the last one is being typed.
  const before = typed.slice(0, typed.lastIndexOf(',') + 1)
  return fitting(
    typed,
    (await hosts()).map((host) => plain(before + host)),
  )
}

async function argumentValues(
  command: Command,
  argument: Argument,
  hosts: () => Promise<string[]>,
): Promise<Candidate[]> {
  if (argument.argChoices) return argument.argChoices.map(plain)
  const isHost =
    HOSTS.test(argument.name()) ||
    (argument.name() === 'name' && HOST_GROUPS.has(command.parent?.name() ?? '') && command.name() !== 'add')
  return isHost ? (await hosts()).map(plain) : []
}

const plain = (word: string): Candidate => ({ word, description: '' })

const fitting = (typed: string, candidates: readonly Candidate[]) =>
  candidates.filter(({ word }) => word.startsWith(typed))

const visibleOptions = (command: Command): Candidate[] =>
  command.options
    .filter((option) => !option.hidden)
    .map(({ long, short, description }) => ({
      word: long ?? short ?? '',
      description: description.split('\n')[0] ?? '',
    }))

/** Commander knows it, and does not say it in its types. */
const isHidden = (command: Command) => (command as unknown as { _hidden?: boolean })._hidden === true
