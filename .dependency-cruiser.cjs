// Who may import whom. The reasons stand in ARCHITECTURE.md.
const { readdirSync } = require('node:fs')
const { join } = require('node:path')

const foldersOf = (path) =>
  readdirSync(join(__dirname, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

/** Every folder of the server but those that serve all: a new feature needs no line here. */
const feature = `(${foldersOf('server/src')
  .filter((name) => name !== 'platform' && name !== 'testing')
  .join('|')})`

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'contracts-import-zod-only',
      comment: 'contracts are words: no I/O, no platform',
      severity: 'error',
      from: { path: '^contracts/src', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: ['^contracts/src', 'node_modules/zod/'] },
    },
    {
      name: 'inventory-is-pure',
      comment: 'it reads texts, in the browser too',
      severity: 'error',
      from: { path: '^inventory/src', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: ['^inventory/src', '^contracts/', 'node_modules/(yaml|@rollcall)/'] },
    },
    {
      name: 'packages-share-contracts-only',
      severity: 'error',
      from: { path: '^(server|agent|cli|web)/' },
      to: {
        path: '^(server|agent|cli|web|test|scripts)/',
        pathNot: ['^$1/', '^scripts/ansible-bundle\\.mjs$'],
      },
    },
    {
      name: 'tests-enter-from-outside',
      comment:
        'by HTTP, RPC, SSH and the browser, never through src; provisioning is tried on hosts before a server exists',
      severity: 'error',
      from: { path: '^(test|scripts)/', pathNot: '^test/provisioning/' },
      to: { path: '^(server|agent|cli|web)/src' },
    },
    {
      name: 'features-by-their-index',
      severity: 'error',
      from: { path: `^server/src/${feature}/` },
      to: {
        path: `^server/src/${feature}/`,
        pathNot: ['^server/src/$1/', `^server/src/${feature}/index\\.ts$`, '^server/src/access/testing/'],
      },
    },
    {
      name: 'domain-is-pure',
      comment:
        'domain knows no Nest, no Prisma, no clock, no I/O; randomness for ids and hashes is passed through node:crypto; croner only reckons with dates, attempt windows only count',
      severity: 'error',
      from: { path: '^server/src/[^/]+/domain/', pathNot: '\\.spec\\.ts$' },
      to: {
        pathNot: [
          '^server/src/[^/]+/domain/',
          '^contracts/',
          'node_modules/(zod|@rollcall|croner)/',
          '^(node:)?crypto$',
          '^server/src/platform/network/attempt-windows\\.ts$',
          `^server/src/${feature}/index\\.ts$`,
        ],
      },
    },
    {
      name: 'domain-takes-types-of-others-only',
      severity: 'error',
      from: { path: '^server/src/[^/]+/domain/', pathNot: '\\.spec\\.ts$' },
      to: { path: `^server/src/${feature}/index\\.ts$`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-repositories-touch-prisma',
      severity: 'error',
      from: {
        path: '^server/src/',
        pathNot: ['\\.repository\\.ts$', '^server/src/platform/', '\\.spec\\.ts$'],
      },
      to: { path: '^server/src/platform/prisma/generated' },
    },
    {
      name: 'sql-in-repositories-only',
      comment: 'statements stand in *.repository.ts; whether the database is up is asked of DatabaseHealth',
      severity: 'error',
      from: {
        path: '^server/src/',
        pathNot: [
          '\\.repository\\.ts$',
          '^server/src/(platform|testing)/',
          // Opens the database for all.
          '^server/src/open-platform\\.ts$',
          '\\.spec\\.ts$',
        ],
      },
      to: { path: ['^server/src/platform/prisma/database\\.ts$', 'node_modules/(@types/)?pg/'] },
    },
    {
      name: 'web-shares-know-no-feature',
      comment: 'what several features need stands in api/ and ui/ and knows none of them',
      severity: 'error',
      from: { path: '^web/src/(api|ui|i18n)/' },
      to: { path: '^web/src/features/' },
    },
    {
      name: 'platform-knows-no-feature',
      severity: 'error',
      from: { path: '^server/src/platform/' },
      to: { path: `^server/src/${feature}/` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['/dist/', 'server/src/platform/prisma/generated/internal'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'server/tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default', 'node'],
    },
  },
}
