import { list } from '../read/collections.ts'
import { mapping, taken } from '../read/keys.ts'
import { duration, flag, text, wholeNumber } from '../read/scalars.ts'
import { byKind, converted, type Shape } from '../read/shape.ts'
import { argument } from './command.ts'

export interface HealthCheck {
  /** The program that looks, run in the container; null where checks of the image are turned off. */
  test: string[] | null
  intervalMs: number
  timeoutMs: number
  retries: number
  startPeriodMs: number
  startIntervalMs: number | null
}

const DAY_MS = 86_400_000
const checkDuration = duration(0, DAY_MS)
const positive = duration(100, DAY_MS)

const shell = (script: string) => ['/bin/sh', '-c', script]

/** The test of a health check: a text for a shell, or a list that begins with CMD, CMD-SHELL or NONE. */
const test: Shape<string[] | 'none'> = byKind<string[] | 'none', string[] | 'none'>({
  scalar: converted(text({ form: 'a command for a shell', max: 32_768, isMultiline: true }), (script) =>
    script === 'NONE' ? ('none' as const) : shell(script),
  ),
  list: converted(
    list(argument, 'a list that begins with CMD, CMD-SHELL or NONE', 100),
    ([kind, ...words], node, reader) => {
      if (kind === 'NONE') return 'none' as const
      const [script] = words
      if (kind === 'CMD' && script !== undefined) return words
      if (kind === 'CMD-SHELL' && script !== undefined && words.length === 1) return shell(script)
      return reader.fault(
        node.place,
        'does not begin with CMD, CMD-SHELL or NONE, or has no command after it',
        'write [CMD, program, argument], or [CMD-SHELL, "one line for a shell"]',
      )
    },
  ),
})

/** The health check of a container, with Compose's defaults. */
export const healthcheck: Shape<HealthCheck> = converted(
  mapping(
    {
      test: taken(test, 'the command that looks'),
      interval: taken(positive),
      timeout: taken(positive),
      retries: taken(wholeNumber(1, 1000)),
      start_period: taken(checkDuration),
      start_interval: taken(positive),
      disable: taken(flag, 'true: the check of the image is not made'),
    },
    { of: 'a health check' },
  ),
  (values, node, reader) => {
    const isDisabled = values.disable === true || values.test === 'none'
    const isUnsaid = Object.keys(values.places).join() === 'disable'
    if (!isDisabled && isUnsaid) {
      reader.take(node.place, 'otherwise', 'says what holds anyway')
      return undefined
    }
    // A test that could not be read has its own fault.
    if (!isDisabled && values.test === undefined && !values.places.test)
      return reader.fault(
        node.place,
        'lacks test: the check of the image cannot be read before the image is there',
        'add test: [CMD, program, argument]',
      )
    return {
      test: isDisabled ? null : (values.test ?? []),
      intervalMs: values.interval ?? 30_000,
      timeoutMs: values.timeout ?? 30_000,
      retries: values.retries ?? 3,
      startPeriodMs: values.start_period ?? 0,
      startIntervalMs: values.start_interval ?? null,
    }
  },
)
