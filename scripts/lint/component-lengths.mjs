// Which React components are longer than one can read at once.
import { readFile } from 'node:fs/promises'
import ts from 'typescript'
import { filesOf } from './tools.mjs'

const MAX_LINES = 80

/** Returns a line for each component over the limit, null where there is none. A component is a named function that draws JSX. */
export async function checkComponentLengths(maxLines = MAX_LINES) {
  const files = (await filesOf(['web/src/**/*.tsx'])).filter((file) => !file.endsWith('.spec.tsx'))
  const found = await Promise.all(
    files.map(async (file) => longComponents(file, await readFile(file, 'utf8'))),
  )
  const tooLong = found
    .flat()
    .filter(({ lines }) => lines > maxLines)
    .map(({ file, name, lines }) => `${file}: component ${name} has ${lines} lines; at most ${maxLines}`)
  return tooLong.length > 0 ? tooLong.join('\n') : null
}

function longComponents(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX)
  const toLine = (position) => source.getLineAndCharacterOfPosition(position).line
  const components = []
  const visit = (node) => {
    const name = nameOf(node)
    if (name && /^[A-Z]/.test(name) && drawsJsx(node))
      components.push({ file, name, lines: toLine(node.end) - toLine(node.getStart()) + 1 })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return components
}

function nameOf(node) {
  if (ts.isFunctionDeclaration(node)) return node.name?.text
  if (!ts.isVariableDeclaration(node) || !node.initializer) return undefined
  const { initializer } = node
  const isFunction = (value) => ts.isArrowFunction(value) || ts.isFunctionExpression(value)
  const isWrapped = ts.isCallExpression(initializer) && initializer.arguments.some(isFunction)
  return isFunction(initializer) || isWrapped ? node.name.getText() : undefined
}

function drawsJsx(node) {
  if (ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node) || ts.isJsxFragment(node)) return true
  return ts.forEachChild(node, (child) => drawsJsx(child) || undefined) ?? false
}
