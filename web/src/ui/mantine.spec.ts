import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('..', import.meta.url))
const STYLES = fileURLToPath(new URL('../../../node_modules/@mantine/core/styles', import.meta.url))
const IMPORT = /import \{([^}]*)\} from '@mantine\/core'/g

it('every component of Mantine that the UI draws has its styles', () => {
  const used = globSync('**/*.tsx', { cwd: SRC })
    .flatMap((file) => [...readFileSync(`${SRC}/${file}`, 'utf8').matchAll(IMPORT)])
    .flatMap(([, names = '']) => names.split(',').map((name) => name.trim()))
  const loaded = readFileSync(`${SRC}/ui/mantine.ts`, 'utf8')
  const unstyled = [...new Set(used)].filter(
    (name) => existsSync(`${STYLES}/${name}.css`) && !loaded.includes(`/${name}.css'`),
  )
  expect(used).toContain('Button')
  expect(unstyled).toEqual([])
})
