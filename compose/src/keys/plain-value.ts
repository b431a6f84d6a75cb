import type { Reader } from '../read/reader.ts'
import { flag, readText } from '../read/scalars.ts'
import type { Shape } from '../read/shape.ts'
import type { Node } from '../source/tree.ts'

export type PlainValue = string | number | boolean | null | PlainValue[] | { [key: string]: PlainValue }

/** A value of any form, as the variables of playbooks are, with the file's variables put in. */
export const plainValue: Shape<PlainValue> = {
  form: 'any value',
  read: toPlainValue,
}

function toPlainValue(node: Node, reader: Reader): PlainValue | undefined {
  if (node.kind === 'list')
    return node.items.map((item, index) => toPlainValue(item, reader.at(index)) ?? null)
  if (node.kind === 'map')
    return Object.fromEntries(
      node.entries.map(({ key, place, value }) => {
        // Readers of JSON drop it, each in silence.
        if (key === '__proto__') reader.at(key).fault(place, 'is not a key of a value', 'choose another name')
        return [key, toPlainValue(value, reader.at(key)) ?? null]
      }),
    )
  if (node.type === 'null') return null
  if (node.type === 'boolean') return flag.read(node, reader)
  const text = readText(node, reader)
  return node.type === 'number' && text !== undefined ? Number(text) : text
}
