import { Text } from '@mantine/core'
import type { PlanFault } from '@rollcall/contracts/admin'
import { type Ref, useId, useState } from 'react'
import { t } from '../../i18n/index.tsx'

const LINE_PX = 18
const MIN_LINES = 14

interface Props {
  value: string
  onChange(text: string): void
  faults: readonly PlanFault[]
  inputRef: Ref<HTMLTextAreaElement>
}

/** Returns the numbers of lines with faults. */
export const faultyLines = (faults: readonly PlanFault[]): number[] => [
  ...new Set(faults.map(({ line }) => line)),
]

/** Returns where a line and column are in a text. A place behind the end is the end. */
export function toOffset(text: string, line: number, column: number): number {
  let start = 0
  for (let left = line - 1; left > 0; left--) {
    const end = text.indexOf('\n', start)
    if (end < 0) return text.length
    start = end + 1
  }
  const end = text.indexOf('\n', start)
  return Math.min(start + column - 1, end < 0 ? text.length : end)
}

const lineNumbers = (count: number) => Array.from({ length: count }, (_none, i) => i + 1)

/** A field for a service file, with numbers beside its lines and those with faults marked. */
export function PlanEditor({ value, onChange, faults, inputRef }: Props) {
  const [top, setTop] = useState(0)
  const id = useId()
  const count = value.split('\n').length
  const marked = new Set(faultyLines(faults))
  return (
    <div>
      <Text component="label" htmlFor={id} size="sm" fw={500}>
        {t('plan.file')}
      </Text>
      <div className="editor">
        <div className="editor-lines" aria-hidden style={{ transform: `translateY(${-top}px)` }}>
          {lineNumbers(count).map((line) => (
            <div key={line} data-fault={marked.has(line) || undefined}>
              {line}
            </div>
          ))}
        </div>
        <textarea
          id={id}
          ref={inputRef}
          value={value}
          rows={Math.max(MIN_LINES, Math.min(count + 1, 32))}
          style={{ lineHeight: `${LINE_PX}px` }}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          aria-invalid={faults.length > 0}
          onChange={(event) => onChange(event.currentTarget.value)}
          onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        />
      </div>
    </div>
  )
}
