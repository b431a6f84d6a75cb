import { LineCounter, parseDocument } from 'yaml'

export interface Fault {
  file: string
  /** Counted from 1. */
  line: number
  message: string
}

export interface YamlFile {
  /** Plain JSON. */
  value: unknown
  /** Returns the position of the value at a path, or where it should be. */
  faultAt(path: readonly PropertyKey[], message: string): Fault
}

/** Bounds a file: nobody writes longer ones by hand. */
const MAX_BYTES = 128 * 1024

/** Reads YAML as Ansible does, which takes `yes` for true and its own tags for text. Pure. Tells what is wrong instead of throwing. */
export function readYaml(file: string, text: string): YamlFile | Fault {
  if (text.length > MAX_BYTES) return { file, line: 1, message: `is longer than ${MAX_BYTES} characters` }
  const lines = new LineCounter()
  const faultOf = (offset: number, message: string): Fault => ({
    file,
    message,
    line: Math.max(1, lines.linePos(offset).line),
  })
  try {
    const document = parseDocument(text, {
      version: '1.1' as const,
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'silent',
    })
    const [error] = document.errors
    if (error) return faultOf(error.pos[0], `is no YAML: ${error.message}`)
    // Dates and the like become text; many aliases of aliases are refused here.
    const value: unknown = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 })) ?? 'null')
    const faultAt = (path: readonly PropertyKey[], message: string) => {
      for (let depth = path.length; depth > 0; depth--) {
        const node = document.getIn(path.slice(0, depth), true) as { range?: [number] } | undefined
        if (node?.range) return faultOf(node.range[0], message)
      }
      return faultOf(document.contents?.range?.[0] ?? 0, message)
    }
    return { value, faultAt }
  } catch (error) {
    // Nested too deeply, or an alias that repeats itself.
    return { file, line: 1, message: `is no YAML: ${error instanceof Error ? error.message : String(error)}` }
  }
}
