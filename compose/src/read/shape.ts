import type { Node, Place } from '../source/tree.ts'
import type { Reader } from './reader.ts'

/** How a value is written, and how it is read. One table of shapes makes the reader, the key table of the guide and the errors. */
export interface Shape<T> {
  /** The form for people, after "must be": "a duration such as 30s". */
  form: string
  /** Reads a value. Returns undefined after a fault was reported. */
  read(node: Node, reader: Reader): T | undefined
  /** The keys of a mapping, for the table of keys. */
  keys?: Keys
  /** The same for the items of a list, or the values under any name. */
  item?: Shape<unknown>
}

/** A key that is read as Compose reads it. */
export interface TakenKey<T> {
  standing: 'taken'
  shape: Shape<T>
  /** Says in a few words what the key does; may be empty where its name says it. */
  says: string
}

/** A key that means something else here, and `says` tells what. Its value is checked all the same. */
export interface OtherwiseKey<T> {
  standing: 'otherwise'
  shape: Shape<T>
  says: string
}

/** A key that is refused. `instead` tells what to write. */
export interface RefusedKey {
  standing: 'refused'
  instead: string
  /** Values that say what holds anyway, such as `privileged: false`. They are taken. */
  isHarmless?: (node: Node) => boolean
}

export type Key<T> = TakenKey<T> | OtherwiseKey<T> | RefusedKey
export type Keys = Readonly<Record<string, Key<unknown>>>

/** A value with the place where it is written, for faults that come out later. */
export interface At<T> {
  place: Place
  value: T
}

/** A value under a name that the file chooses. */
export interface Named<T> extends At<T> {
  name: string
}

/** Reports that a value is of another form. Returns undefined. */
export function wrongForm(node: Node, reader: Reader, form: string): undefined {
  return reader.fault(node.place, `must be ${form}`, `write ${form}`)
}

/** Changes what a shape has read. `to` returns undefined after it reported a fault. */
export function converted<From, To>(
  shape: Shape<From>,
  to: (value: From, node: Node, reader: Reader) => To | undefined,
  form = shape.form,
): Shape<To> {
  return {
    ...shape,
    form,
    read(node, reader) {
      const value = shape.read(node, reader)
      return value === undefined ? undefined : to(value, node, reader)
    },
  }
}

/** Keeps the place beside the value. */
export const placed = <T>(shape: Shape<T>): Shape<At<T>> =>
  converted(shape, (value, { place }) => ({ value, place }))

/** Chooses a shape by the kind of the value, as Compose's short and long forms are told apart. */
export function byKind<A = never, B = never, C = never>(shapes: {
  scalar?: Shape<A>
  list?: Shape<B>
  map?: Shape<C>
}): Shape<A | B | C> {
  const all = [shapes.scalar, shapes.list, shapes.map].filter((shape) => shape !== undefined)
  const form = all.map((shape) => shape.form).join(', or ')
  return {
    form,
    keys: shapes.map?.keys,
    item: shapes.map?.item ?? shapes.list?.item,
    read: (node, reader) => {
      const shape: Shape<A | B | C> | undefined = shapes[node.kind]
      return shape ? shape.read(node, reader) : wrongForm(node, reader, form)
    },
  }
}
