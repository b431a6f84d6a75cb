/** npm run attack [-- --short] [TEXT…]: tries what must not work on a real server with real hosts; those whose name has TEXT in it. */
import { parseArgs } from 'node:util'
import { Attempts } from './attempts.ts'
import { ATTACKS } from './registry.ts'
import { AttackSetting } from './setting.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false } },
})
const chosen = ATTACKS.filter(({ name }) =>
  positionals.every((text) => name.toLowerCase().includes(text.toLowerCase())),
)
if (chosen.length === 0) {
  console.error(
    `No attack is called like that. There are:\n${ATTACKS.map(({ name }) => `  ${name}`).join('\n')}`,
  )
  process.exit(2)
}
await using setting = await AttackSetting.open((line) => console.log(`  ${line}`))
const attempts = new Attempts(chosen, setting, { isShort: values.short })
let through = 0
let broken = 0
for (const attack of chosen) {
  try {
    const found = await attempts.result(attack)
    console.log(`${found.length === 0 ? '\u2714 refused ' : '\u2716 THROUGH '} ${attack.name}`)
    for (const line of found) console.log(`    ${line}`)
    if (found.length > 0) through++
  } catch (error) {
    broken++
    console.log(`? not tried ${attack.name}: ${(error as Error).stack}`)
  }
}
console.log(`\n${chosen.length} attacks, ${through} got through, ${broken} could not be carried out`)
if (through + broken > 0) process.exitCode = 1
