/** Reads the encoding of RFC 4251: numbers and length-prefixed byte strings. */
export class WireReader {
  #at = 0
  readonly #data: Buffer

  constructor(data: Buffer) {
    this.#data = data
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#data.length
  }

  uint32(): number {
    return this.#take(4).readUInt32BE()
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE()
  }

  /** Reads a byte string. Throws RangeError if the data ends within it. */
  string(): Buffer {
    return this.#take(this.uint32())
  }

  text(): string {
    return this.string().toString('utf8')
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#data.length) throw new RangeError('the data ends too early')
    this.#at += length
    return this.#data.subarray(this.#at - length, this.#at)
  }
}

export function wireString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([wireUint32(bytes.length), bytes])
}

export function wireUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Encodes a number as RFC 4251's mpint: as short as possible, with a leading zero if it would look negative. */
export function wireNumber(value: Buffer): Buffer {
  let first = 0
  while (first < value.length && value[first] === 0) first++
  const digits = value.subarray(first)
  return wireString((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits)
}
