// Who may import whom. The reasons stand in ARCHITECTURE.md.
const feature =
  '(access|agents|audit|commands|files|health|heartbeats|hosts|live|provisioning|reinstalls|runs|saved-commands|schedules|terminals|tools|transfers|upgrades)'

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
        'domain knows no Nest, no Prisma, no clock, no I/O; randomness for ids and hashes is passed through node:crypto; croner only reckons with dates',
      severity: 'error',
      from: { path: '^server/src/[^/]+/domain/', pathNot: '\\.spec\\.ts$' },
      to: {
        pathNot: [
          '^server/src/[^/]+/domain/',
          '^contracts/',
          'node_modules/(zod|@rollcall|croner)/',
          '^(node:)?crypto$',
        ],
      },
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
