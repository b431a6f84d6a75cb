import { execFile } from 'node:child_process'
import { expect, it } from 'vitest'
import { PAGES, WAITS } from './container-program.ts'
import { findOverlaps, parseLedger } from './ledger.ts'

const entry = (event: string, generation: number, host: string, other = '') =>
  `${[event, '120.5', 'shop/web.1/web', generation, host, 'aaaaaaaa', other].join('\t')}\n`

it('a slot that begins beside another of its generation is found, on whichever host', () => {
  const ledger = parseLedger(entry('begin', 4, 'app-1') + entry('overlap', 4, 'app-2', '4 app-1'))
  expect(findOverlaps(ledger)).toEqual([
    {
      kind: 'doubled',
      instance: 'aaaaaaaa',
      text: 'shop/web.1/web: generation 4 on app-2 began at 120.5 s beside generation 4 on app-1',
    },
  ])
})

it('an older generation beside a newer one is found on one host, and allowed on another that was silent', () => {
  expect(findOverlaps(parseLedger(entry('overlap', 5, 'app-1', '4 app-1')))).toHaveLength(1)
  expect(findOverlaps(parseLedger(entry('overlap', 5, 'app-2', '4 app-1')))).toEqual([])
})

it('a holder of a slot that could not be read counts as one of the same generation', () => {
  expect(findOverlaps(parseLedger(entry('overlap', 5, 'app-2', '? ?')))).toHaveLength(1)
})

it('lines of a ledger that are not whole yet wait, and foreign ones are refused', () => {
  expect(parseLedger(`${entry('begin', 1, 'app-1')}begin\t12`)).toHaveLength(1)
  expect(() => parseLedger('something else\n')).toThrow('no entry of a ledger: something else')
})

it('the programs of containers are programs of Perl', async () => {
  for (const program of [WAITS, PAGES]) {
    const said = await new Promise((resolve) =>
      execFile('perl', ['-ce', program], (error, _stdout, stderr) =>
        resolve(error ? `${error} ${stderr}` : stderr),
      ),
    )
    expect(said).toBe('-e syntax OK\n')
  }
})
