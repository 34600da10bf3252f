/**
 * The arrows of the architecture (docs/architecture.md). `test/architecture.test.ts` runs them; by hand:
 * `npx depcruise src commands sandbox`. Type-only and dynamic imports count like any other.
 */

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      comment:
        'A cycle has no beginning to load from. A type may point back: it is gone when the program runs.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere hides what it depends on.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-dependencies',
      comment: 'The published package has none; what scripts/bundle.ts ships inside it is one here.',
      severity: 'error',
      from: { path: '^(src|commands|sandbox)/', pathNot: '^sandbox/test/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^node_modules/(@types/)?(dockerode|@azure/storage-blob|tar-stream)/',
      },
    },
    {
      name: 'domain-is-pure',
      comment: 'The domain imports nothing; only sha256.ts may use node:crypto.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: '^src/domain/sha256\\.ts$' },
      to: { pathNot: '^src/domain/' },
    },
    {
      name: 'domain-hash-is-pure',
      comment: 'sha256.ts may use node:crypto, and nothing else.',
      severity: 'error',
      from: { path: '^src/domain/sha256\\.ts$' },
      to: { pathNot: '^(src/domain/|(node:)?crypto$)' },
    },
    {
      name: 'ports-are-domain-only',
      comment: 'A port speaks in words of the domain; a stream is the only foreign type.',
      severity: 'error',
      from: { path: '^src/ports/' },
      to: { pathNot: '^(src/(domain|ports)/|(node:)?stream$)' },
    },
    {
      name: 'policy-is-pure',
      comment: 'Decisions look at values: no files, no libraries, no clock.',
      severity: 'error',
      from: { path: '^src/policy/' },
      to: { pathNot: '^src/(domain|policy|manifest|json)/' },
    },
    {
      name: 'manifests-stand-alone',
      comment: 'Manifests are read before anything else is known.',
      severity: 'error',
      from: { path: '^src/manifest/' },
      to: { path: '^src/', pathNot: '^src/(domain|json|files|manifest)/' },
    },
    {
      name: 'dockerfile-is-pure',
      comment: 'Reading a Dockerfile or an ignore file looks at text: no files, no libraries, no engine.',
      severity: 'error',
      from: { path: '^src/dockerfile/' },
      to: { pathNot: '^src/(domain|dockerfile)/' },
    },
    {
      name: 'steps-read-dockerfiles',
      comment: 'Whoever else needs to know asks a step.',
      severity: 'error',
      from: { path: '^(src|commands)/', pathNot: '^src/(dockerfile|steps)/' },
      to: { path: '^src/dockerfile/' },
    },
    {
      name: 'core-below-steps',
      comment: 'The trades do not know the steps that use them, nor the outside world.',
      severity: 'error',
      from: { path: '^src/(evidence|scanner|oci|json|network|files)/' },
      to: { path: '^src/(steps|sides|cli|adapters)/' },
    },
    {
      name: 'steps-know-ports-only',
      comment: 'Steps get adapters handed in.',
      severity: 'error',
      from: { path: '^src/steps/' },
      to: { path: '^src/(sides|adapters|cli|network)/' },
    },
    {
      name: 'sides-know-ports-only',
      comment: 'A side is made of steps; what is real is handed in.',
      severity: 'error',
      from: { path: '^src/sides/' },
      to: { path: '^src/(adapters|cli|network)/' },
    },
    {
      name: 'adapters-apart',
      comment: 'Adapters never import one another.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/adapters/', pathNot: '^src/adapters/$1/' },
    },
    {
      name: 'adapters-below-steps',
      comment: 'An adapter serves a port; it knows no step and no command line.',
      severity: 'error',
      from: { path: '^src/adapters/' },
      to: { path: '^src/(steps|sides|cli)/' },
    },
    {
      name: 'only-adapters-import-sdks',
      comment: 'No SDK type crosses a port.',
      severity: 'error',
      from: { path: '^(src|commands|sandbox)/', pathNot: '^(src/adapters|sandbox/test)/' },
      to: { path: '(^|/)node_modules/(@azure|@azure-rest)/' },
    },
    {
      name: 'only-two-import-the-engine-client',
      comment: "The docker adapter, and the sandbox's compute, which talks to the engine on its own.",
      severity: 'error',
      from: { path: '^(src|commands|sandbox)/', pathNot: '^(src/adapters|sandbox/(compute|test))/' },
      to: { path: '(^|/)node_modules/(@types/)?dockerode/' },
    },
    {
      name: 'only-wiring-imports-adapters',
      comment: 'One place decides what is real.',
      severity: 'error',
      from: { path: '^(src|commands|sandbox)/', pathNot: '^(src/(adapters/|cli/wiring)|sandbox/test/)' },
      to: { path: '^src/adapters/' },
    },
    {
      name: 'sandbox-stands-alone',
      comment: 'Code shared with the product would hide one bug in both.',
      severity: 'error',
      from: { path: '^sandbox/', pathNot: '^sandbox/test/' },
      to: { path: '^(src|commands|test)/', pathNot: '^src/(domain|json|files)/' },
    },
    {
      name: 'only-its-commands-import-the-sandbox',
      comment: 'The product does not know that the sandbox exists.',
      severity: 'error',
      from: { path: '^(src|commands)/', pathNot: '^commands/sandbox/' },
      to: { path: '^sandbox/' },
    },
    {
      name: 'the-sandbox-has-four-doors',
      comment: 'What else it is made of is its own.',
      severity: 'error',
      from: { path: '^commands/' },
      to: { path: '^sandbox/', pathNot: '^sandbox/(index|detach|lifecycle|shell)\\.ts$' },
    },
    {
      name: 'the-product-ships-no-tests',
      comment: 'dist/ has none of them.',
      severity: 'error',
      from: { path: '^(src|commands|sandbox)/', pathNot: '^sandbox/test/' },
      to: { path: '^(test|sandbox/test)/' },
    },
    {
      name: 'the-command-line-knows-no-command',
      comment: 'Commands use it, not the other way round.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^commands/' },
    },
    {
      name: 'only-commands-use-the-command-line',
      comment: 'Nothing below prints or reads flags.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    // "import" first: most packages here are ES modules.
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
