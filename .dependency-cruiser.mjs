/**
 * The import directions of the house: ui → contract ← server, cli → contract; inside the server
 * main → everything, adapters → ports, domains → http, jobs, audit, db.
 */
const tests = '(\\.(test|spec|conformance)|-test-scene)\\.tsx?$';
const ours = '^(contract|server|ui|fleet|cli|stack|tools|e2e|bench)/';
const foundation = 'http|db|audit|jobs';
const domains = 'approvals|iam|tenants|config|definitions|scale|ops|observability|secrets|backups';
const ports =
  '^server/[^/]+/(placement-store|tenant-resource-store|orchestrator|gateway-admin|node-admin|outside-source|metric-source|log-source|alert-source|target-source|annotation-sink|mailer|identity-provider|token-verifier|secret-backend)\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    rule(
      'no-cycles',
      'Modules that import each other cannot be understood one at a time.',
      {},
      { circular: true },
    ),
    rule('no-unresolvable', 'The imported module does not exist.', {}, { couldNotResolve: true }),
    rule(
      'contract-imports-nothing-of-ours',
      'The contract is what both sides stand on.',
      { path: '^contract/' },
      { path: ours, pathNot: '^contract/' },
    ),
    rule(
      'ui-imports-contract-only',
      'The UI knows the server only by the contract.',
      { path: '^ui/' },
      { path: ours, pathNot: '^(ui|contract)/' },
    ),
    rule(
      'cli-imports-contract-only',
      'The command line client knows the server only by the contract.',
      { path: '^cli/' },
      { path: ours, pathNot: '^(cli|contract)/' },
    ),
    rule(
      'stack-imports-contract-only',
      'The observability stack knows services by their metrics, not by their code.',
      { path: '^stack/', pathNot: tests },
      { path: ours, pathNot: '^(stack|contract)/' },
    ),
    rule(
      'server-imports-no-client',
      'The server knows neither its clients nor its tests; of the observability stack it reads what is generated.',
      { path: '^server/', pathNot: tests },
      { path: '^(ui|cli|stack|e2e|bench)/', pathNot: '^stack/generated/[^/]+\\.json$' },
    ),
    rule(
      'only-composition-starts-the-fleet',
      'The simulated platform is one more outside system.',
      { path: '^server/[^/]+/', pathNot: tests },
      { path: '^fleet/' },
    ),
    rule(
      'nothing-imports-composition',
      'main.ts and its helpers directly in server/ wire the parts; no part knows them.',
      { path: '^(server/[^/]+|fleet)/', pathNot: tests },
      { path: '^server/[^/]+\\.ts$' },
    ),
    rule(
      'foundation-imports-no-domain',
      'http, db, audit and jobs serve every domain and know none.',
      { path: `^server/(${foundation})/`, pathNot: tests },
      { path: `^server/(${domains})/` },
    ),
    rule(
      'domain-imports-domain-by-queries',
      'A domain reads another only through its exported *-queries.ts.',
      { path: `^server/(${domains})/`, pathNot: tests },
      { path: `^server/(${domains})/`, pathNot: ['^server/$1/', '-queries\\.ts$'] },
    ),
    rule(
      'only-composition-imports-adapters',
      'Domains declare ports; main.ts chooses the adapters.',
      { path: `^server/(${domains}|${foundation})/`, pathNot: tests },
      { path: '^server/adapters/' },
    ),
    rule(
      'adapters-import-ports-only',
      'An adapter implements a port and knows nothing else of the server.',
      { path: '^server/adapters/', pathNot: tests },
      { path: ours, pathNot: ['^server/adapters/', '^contract/', ports] },
    ),
    rule(
      'fleet-imports-contract-and-placement',
      'The simulated platform stands outside; it shares the contract and the placement store.',
      { path: '^fleet/', pathNot: tests },
      { path: ours, pathNot: ['^(fleet|contract)/', '^server/adapters/(placement-file|nats)/', ports] },
    ),
    rule(
      'only-tests-import-tools',
      'Tools are for development.',
      { path: '^(contract|server|ui|fleet|cli|stack)/', pathNot: tests },
      { path: '^tools/' },
    ),
    rule(
      'only-tests-import-tests',
      'What tests need stays out of the product.',
      { path: '^(contract|server|ui|fleet|cli|stack)/', pathNot: [tests, '^server/db/test-database\\.ts$'] },
      { path: [tests, '^server/db/test-database\\.ts$'] },
    ),
    rule(
      'product-needs-no-dev-dependency',
      'What runs in production is a dependency. What is bundled into the UI is not: the image is installed without it.',
      { path: '^(contract|server|fleet|cli)/', pathNot: tests },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.cache)/' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    // A subpath import such as #contract/problem.ts resolves through package.json.
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};

function rule(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to };
}
