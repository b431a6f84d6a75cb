import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findLongLines, formatMarkdown, MAX_MARKDOWN_WIDTH } from './markdown.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LONG = 'word '.repeat(60).trim()

describe('the formatter of Markdown', () => {
  it('an overlong paragraph is wrapped, and indented after a bullet', () => {
    const lines = formatMarkdown(`- ${LONG}`).split('\n')
    expect(lines.every((line) => line.length <= MAX_MARKDOWN_WIDTH)).toBe(true)
    expect(lines.slice(1).every((line) => line.startsWith('  word'))).toBe(true)
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toBe(`- ${LONG}`)
  })

  it('paragraphs that fit, code, headings and tables of long cells stay as they are', () => {
    const page = `# ${LONG}\n\nshort\nlines\n\n\`\`\`\n${LONG}\n\`\`\`\n\n| a | b |\n| --- | --- |\n| ${LONG} | c |\n`
    expect(formatMarkdown(page)).toBe(page)
    expect(findLongLines(page)).toEqual([])
  })

  it('columns of a table are aligned, with bars in code as part of a cell', () => {
    expect(formatMarkdown('| a | long name |\n|---|:--|\n| `x|y` | c |')).toBe(
      '| a     | long name |\n| ----- | :-------- |\n| `x|y` | c         |',
    )
  })

  it('no wrapped line begins with what would be a list or a heading', () => {
    const text = formatMarkdown(`${'a'.repeat(148)} - b # c 1. d`)
    expect(
      text
        .split('\n')
        .slice(1)
        .every((line) => /^[a-d]/.test(line)),
    ).toBe(true)
  })

  it('a second pass over the pages of this repository changes nothing, and the first one no word', () => {
    const pages = globSync('{*.md,docs/**/*.md}', { cwd: ROOT })
    expect(pages.length).toBeGreaterThan(20)
    for (const page of pages) {
      const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/([a-z,.]) *\n(?=[a-z])/g, '$1 ')
      const once = formatMarkdown(text)
      expect(formatMarkdown(once), page).toBe(once)
      expect(once.replaceAll(/[\s|:-]+/g, ''), page).toBe(text.replaceAll(/[\s|:-]+/g, ''))
    }
  })
})
