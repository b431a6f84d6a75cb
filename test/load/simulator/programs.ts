import type { LogType } from '@rollcall/contracts/agent'

/** The next step of a simulated program. */
export type Step = { write: string; to: LogType } | { sleepMs: number } | { exit: number }

const MAX_STEPS = 10_000

/**
 * Simulates a program by its argv: `true`, `false`, `echo`, `seq N`, `sleep S`, `hostname`, and `sh -c` with these,
 * `exit N`, `>&2` and `;`. Undefined for a program that this host has not.
 */
export function toSteps(argv: readonly string[], hostname: string): Step[] | undefined {
  const [program, ...args] = argv
  if (program === 'sh' && args[0] === '-c') return scriptSteps(args[1] ?? '', hostname)
  const steps = simpleSteps(argv, 'stdout', hostname)
  return steps && [...steps, { exit: 0 }]
}

function scriptSteps(script: string, hostname: string): Step[] {
  const steps: Step[] = []
  for (const statement of script.split(';')) {
    const isError = statement.includes('>&2')
    const argv = statement.replace('>&2', '').trim().split(/\s+/)
    const more = simpleSteps(argv, isError ? 'stderr' : 'stdout', hostname)
    if (more === undefined)
      steps.push({ write: `sh: 1: ${argv[0]}: not found\n`, to: 'stderr' }, { exit: 127 })
    else steps.push(...more)
    if (steps.length > MAX_STEPS) break
  }
  return [...steps, { exit: 0 }]
}

/** A program that ends well adds no `exit`, so that what follows in a script runs. */
function simpleSteps(
  [program, ...args]: readonly string[],
  to: LogType,
  hostname: string,
): Step[] | undefined {
  const number = Number(args[0])
  switch (program) {
    case 'true':
    case '':
      return []
    case 'false':
      return [{ exit: 1 }]
    case 'exit':
      return [{ exit: number & 255 }]
    case 'echo':
      return [{ write: `${args.join(' ')}\n`, to }]
    case 'hostname':
      return [{ write: `${hostname}\n`, to }]
    case 'seq':
      return [{ write: Array.from({ length: Math.min(number, 1e6) }, (_, i) => `${i + 1}\n`).join(''), to }]
    case 'sleep':
      return [{ sleepMs: number * 1000 }]
    default:
      return undefined
  }
}
