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
      name: 'compose-is-pure',
      comment: 'it reads texts, in the browser too',
      severity: 'error',
      from: { path: '^compose/src', pathNot: ['\\.spec\\.ts$', '^compose/src/testing/'] },
      to: { pathNot: ['^compose/src', '^contracts/', 'node_modules/(yaml|zod|@rollcall)/'] },
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
        'by HTTP, RPC, SSH and the browser, never through src; provisioning is tried on hosts before a server exists, and placement is measured by itself',
      severity: 'error',
      from: { path: '^(test|scripts)/', pathNot: '^test/(provisioning/|bench/placement-)' },
      to: { path: '^(server|agent|cli|web)/src' },
    },
    {
      name: 'features-by-their-index',
      severity: 'error',
      from: { path: `^server/src/${feature}/` },
      to: {
        path: `^server/src/${feature}/`,
        pathNot: [
          '^server/src/$1/',
          `^server/src/${feature}/index\\.ts$`,
          '^server/src/(access|images)/testing/',
        ],
      },
    },
    {
      name: 'domain-is-pure',
      comment:
        'domain knows no Nest, no Prisma, no clock, no I/O; randomness for ids and hashes is passed through node:crypto; croner only reckons with dates, attempt windows only count',
      severity: 'error',
      from: { path: '^server/src/[^/]+/(output/)?domain/', pathNot: '\\.spec\\.ts$' },
      to: {
        pathNot: [
          '^server/src/[^/]+/(output/)?domain/',
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
      from: { path: '^server/src/[^/]+/(output/)?domain/', pathNot: '\\.spec\\.ts$' },
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
      name: 'set-up-needs-no-package',
      comment: 'these files are read on a clean checkout, before npm has installed anything',
      severity: 'error',
      from: { path: '^scripts/.*\\.mjs$', pathNot: '^scripts/(lint/component-lengths|build-agent)\\.mjs$' },
      to: { path: 'node_modules/' },
    },
    {
      name: 'web-shares-know-no-feature',
      comment: 'what several features need stands in api/ and ui/ and knows none of them',
      severity: 'error',
      from: { path: '^web/src/(api|ui|i18n)/' },
      to: { path: '^web/src/features/' },
    },
    {
      name: 'agent-process-runs-nothing',
      comment:
        'the agent answers requests and runs no program, over however many of our files; the runner does. Libraries are not followed: for them the unit refuses execve',
      severity: 'error',
      from: { path: '^agent/src/agent(\\.ts$|/)', pathNot: '\\.spec\\.ts$' },
      to: {
        path: ['^(node:)?(child_process|cluster|worker_threads)$', 'node_modules/node-pty/'],
        reachable: true,
      },
    },
    {
      name: 'agent-process-dials-nothing',
      comment:
        'rpc-server.ts listens, admission.ts parses addresses; biome.json names what they may import, and refuses fetch and WebSocket. For libraries the unit refuses connect',
      severity: 'error',
      from: {
        path: '^agent/src/(agent(\\.ts$|/)|spool/|platform/)',
        pathNot: ['\\.spec\\.ts$', '^agent/src/agent/rpc/(rpc-server|admission)\\.ts$'],
      },
      to: {
        path: '^(node:)?(net|tls|https?|http2|dgram|dns)(/|$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'agent-knows-neither-runner-nor-worker',
      severity: 'error',
      from: { path: '^agent/src/agent(\\.ts$|/)' },
      to: { path: '^agent/src/(runner|worker|transfer)(\\.ts$|/)' },
    },
    {
      name: 'runner-knows-no-agent',
      comment: 'of the worker it knows how to remove the unfinished file of one that crashed',
      severity: 'error',
      from: { path: '^agent/src/runner(\\.ts$|/)' },
      to: {
        path: '^agent/src/(agent|worker|transfer)(\\.ts$|/)',
        pathNot: '^agent/src/worker/part-file\\.ts$',
      },
    },
    {
      name: 'worker-knows-neither-agent-nor-runner',
      severity: 'error',
      from: { path: '^agent/src/(worker/|transfer\\.ts$)' },
      to: { path: '^agent/src/(agent|runner)(\\.ts$|/)' },
    },
    {
      name: 'spool-and-platform-know-no-process',
      comment: 'agent, runner and worker read them alike, so they belong to none and run nothing',
      severity: 'error',
      from: { path: '^agent/src/(spool|platform)/' },
      to: { path: ['^agent/src/(agent|runner|worker|transfer)(\\.ts$|/)', '^(node:)?child_process$'] },
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
