/**
 * A heap whose keys may have fallen since they were set: an item at the top gets its present key first, and sinks if
 * that is lower. Exact as long as keys never rise. Items are small numbers; one with a negative key is not there.
 */
export class LazyHeap {
  readonly #items: Int32Array
  readonly #keys: Float64Array
  readonly #toKey: (item: number) => number
  readonly #from: number
  #size: number

  /**
   * Makes a heap of `items` from `from` to `to`, whose order it changes, with the same places in `keys` as room. `toKey`
   * returns an item's present key, and `toBound` a key that is not lower, if that is cheaper.
   */
  constructor(
    items: Int32Array,
    keys: Float64Array,
    toKey: (item: number) => number,
    toBound = toKey,
    from = 0,
    to = items.length,
  ) {
    this.#items = items
    this.#keys = keys
    this.#toKey = toKey
    this.#from = from
    this.#size = to - from
    for (let at = from; at < to; at++) keys[at] = toBound(items[at] as number)
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  /** Returns the present key of the best item; -1 when there is none. */
  peekKey(): number {
    this.#settle()
    return this.#size === 0 ? -1 : this.#keyAt(0)
  }

  /** Removes the best item and returns it; -1 when there is none. */
  pop(): number {
    if (this.peekKey() < 0) return -1
    const item = this.#itemAt(0)
    this.#size--
    this.#set(0, this.#itemAt(this.#size), this.#keyAt(this.#size))
    this.#sink(0)
    return item
  }

  /** Puts an item back that was popped. */
  push(item: number): void {
    const key = this.#toKey(item)
    let at = this.#size++
    for (let parent = (at - 1) >> 1; at > 0 && this.#keyAt(parent) < key; parent = (at - 1) >> 1) {
      this.#set(at, this.#itemAt(parent), this.#keyAt(parent))
      at = parent
    }
    this.#set(at, item, key)
  }

  /** Sinks the top until its key is the present one. */
  #settle(): void {
    while (this.#size > 0) {
      const item = this.#itemAt(0)
      const key = this.#toKey(item)
      if (key >= this.#keyAt(0)) return
      this.#set(0, item, key)
      this.#sink(0)
    }
  }

  #sink(start: number): void {
    const item = this.#itemAt(start)
    const key = this.#keyAt(start)
    let at = start
    for (let child = 2 * at + 1; child < this.#size; child = 2 * at + 1) {
      if (child + 1 < this.#size && this.#keyAt(child + 1) > this.#keyAt(child)) child++
      if (this.#keyAt(child) <= key) break
      this.#set(at, this.#itemAt(child), this.#keyAt(child))
      at = child
    }
    this.#set(at, item, key)
  }

  #itemAt(at: number): number {
    return this.#items[this.#from + at] as number
  }

  #keyAt(at: number): number {
    return this.#keys[this.#from + at] as number
  }

  #set(at: number, item: number, key: number): void {
    this.#items[this.#from + at] = item
    this.#keys[this.#from + at] = key
  }
}
