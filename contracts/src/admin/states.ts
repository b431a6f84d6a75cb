import { z } from 'zod'

/** The colour of a state. `faint` is for things that have not started or are gone. */
export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'faint'

/** Everything that is known of a state. Web, CLI and the server's SQL read it here; only its texts stand elsewhere. */
export interface StateDescriptor {
  tone: Tone
  /** One character that distinguishes it without colour. */
  sign: string
  /** Where a person has to look first: the lowest comes first. */
  urgency: number
  /** It has ended, and nothing changes it any more. */
  isOver?: true
  /** It has ended otherwise than it was meant to. */
  isFailure?: true
}

type Claim<D> = Extract<{ [K in keyof D]-?: true extends D[K] ? K : never }[keyof D], string>
/** The states of a table `T` for which the claim `C` is true. */
type StatesThat<T, C extends string> = {
  [S in keyof T & string]: T[S] extends Readonly<Record<C, true>> ? S : never
}[keyof T & string]

/**
 * Declares the states of one kind of thing, in the order in which they are listed. Returns their schema and queries about them.
 *
 * @example const DOOR = defineStates<StateDescriptor>()({ open: { tone: 'warn', sign: '○', urgency: 0 } })
 */
export const defineStates =
  <D extends StateDescriptor>() =>
  <const T extends Record<string, D>>(table: T) => {
    type S = keyof T & string
    const names = Object.keys(table) as [S, ...S[]]
    const described: Readonly<Record<S, D>> = table
    return {
      table,
      schema: z.enum(names),
      names: names as readonly S[],
      describe: (state: S): D => described[state],
      /** Returns the states for which a claim is true. */
      that: <C extends Claim<D>>(claim: C) =>
        names.filter((name) => described[name][claim] === true) as StatesThat<T, C>[],
      /** Returns the states for which a claim is false. */
      except: <C extends Claim<D>>(claim: C) =>
        names.filter((name) => described[name][claim] !== true) as Exclude<S, StatesThat<T, C>>[],
      /** Returns the schema of an object with a number for each state. */
      counts: <C extends z.ZodType>(count: C) =>
        z.strictObject(Object.fromEntries(names.map((name) => [name, count])) as Record<S, C>),
      /** Returns the states by urgency; those of the same urgency keep their order. */
      byUrgency: (): S[] => names.toSorted((a, b) => described[a].urgency - described[b].urgency),
    }
  }
