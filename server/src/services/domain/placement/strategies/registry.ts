import type { TermName } from '../ranges.ts'
import { affinity } from './affinity.ts'
import { load } from './load.ts'
import { preference } from './preference.ts'
import { spread } from './spread.ts'
import type { Strategy } from './strategy.ts'

/** Every strategy by the term that it scores. */
export const STRATEGIES: Readonly<Record<TermName, Strategy>> = { load, spread, affinity, preference }
