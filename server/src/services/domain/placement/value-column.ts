/** The values that hosts have of one thing: `ids[host]` stands for `values[id]`. */
export interface ValueColumn<T> {
  ids: Int32Array
  values: readonly T[]
}

/** Collects the values of one thing, host by host. */
export class ValueColumnBuilder<T> implements ValueColumn<T> {
  readonly ids: Int32Array
  readonly values: T[] = []
  readonly #seen = new Map<T, number>()

  constructor(size: number) {
    this.ids = new Int32Array(size)
  }

  set(at: number, value: T): void {
    let id = this.#seen.get(value)
    if (id === undefined) {
      id = this.values.push(value) - 1
      this.#seen.set(value, id)
    }
    this.ids[at] = id
  }
}

/** Returns 1 for each host whose value fulfils a condition. The condition is asked once for each value. */
export function markValues<T>({ ids, values }: ValueColumn<T>, fulfils: (value: T) => boolean): Uint8Array {
  const verdicts = Uint8Array.from(values, (value) => (fulfils(value) ? 1 : 0))
  const marks = new Uint8Array(ids.length)
  for (let at = 0; at < marks.length; at++) marks[at] = verdicts[ids[at] as number] as number
  return marks
}
