import { ERRORS } from './errors.ts'

/** Renders the catalogue of errors as the Markdown page of the guides. Returns the whole page. */
export function errorTable(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { kind, status, saidBy, retry }]) =>
      `| \`${code}\` | ${kind} | ${status} | ${saidBy.join(', ')} | ${retry ? 'yes' : 'no'} |`,
  )
  return [
    '# Error codes',
    '',
    'Made from `contracts/src/errors.ts`, where a code is one entry; `npx vitest run contracts/src/error-table.spec.ts -u` makes this page anew.',
    '',
    'Codes are stable, messages are for people and may change. `kind` says who must act: `rejected` the caller, `unavailable` nobody (try again',
    'later), `defect` Rollcall. `status` is the HTTP status of an answer that carries the code; many also stand as the reason of a command, a host or',
    'an upgrade. `said by` is whose errors carry it. `again` says whether Rollcall itself does the same again.',
    '',
    '| code | kind | status | said by | again |',
    '| ---- | ---- | ------ | ------- | ----- |',
    ...rows,
    '',
  ].join('\n')
}
