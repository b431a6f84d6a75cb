import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { en } from './en.ts'
import { zhCn } from './zh-cn.ts'

const SRC = fileURLToPath(new URL('../', import.meta.url))
const pages = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'))
const toText = (name: string) => readFileSync(SRC + name, 'utf8')

it('a translation leaves no value out', () => {
  const namesIn = (text: string) => text.match(/\{\w+\}/g)?.sort() ?? []
  for (const key of Object.keys(en) as (keyof typeof en)[])
    expect([key, namesIn(zhCn[key])]).toEqual([key, namesIn(en[key])])
})

it('no page holds words of its own: all stand in the catalogues', () => {
  const own = pages.flatMap((name) =>
    [...toText(name).matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)+)[^<{]*</g)].map(
      (match) => `${name}: ${match[1]}`,
    ),
  )
  expect(own).toEqual([])
})

it('no page writes markup that somebody else may have written', () => {
  expect(pages.filter((name) => /dangerouslySetInnerHTML|innerHTML/.test(toText(name)))).toEqual([])
})
