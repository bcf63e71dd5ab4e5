// The import rules of docs/architecture.md, "Layout and who may import whom".
const contracts = 'companion/packages/contracts'
const kit = 'companion/packages/kit'
const npm = 'node_modules'

/** `from` may import, of the project's own code, only itself and the paths in `allowed`. */
function only(name, from, allowed) {
  return {
    name,
    severity: 'error',
    from: { path: `^${from}` },
    to: {
      pathNot: [`^${from}`, ...allowed.map((path) => `^${path}`), `(^|/)${npm}/`],
      dependencyTypesNot: ['core'],
    },
  }
}

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: { path: '^(src|webview|companion)' },
      to: { couldNotResolve: true },
    },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      from: { path: `^${contracts}` },
      to: { pathNot: [`^${contracts}`, `${npm}/(zod|canonicalize)/`], dependencyTypesNot: ['core'] },
    },
    only('kit', kit, [contracts]),
    only('cli', 'companion/packages/cli', [contracts, kit]),
    only('registry', 'companion/services/registry', [contracts, kit]),
    only('identity', 'companion/services/identity', [contracts]),
    only('presto-server', 'companion/servers/presto', [contracts, kit]),
    only('runbooks-server', 'companion/servers/runbooks', [contracts, kit]),
    only('nightly-sample', 'companion/samples/nightly', [contracts, kit]),
    only('http', 'src/http', [contracts]),
    only('session', 'src/session', ['src/http/', contracts]),
    only('catalog', 'src/catalog', ['src/http/', contracts]),
    only('plans', 'src/plans', [contracts]),
    only('connections', 'src/connections', ['src/http/', 'src/(session|catalog|plans)/', contracts]),
    only('bridge', 'src/bridge', ['src/connections/', 'src/(catalog|plans)/types.ts$', contracts]),
    only('messages', 'src/messages.ts', [contracts]),
    only('webview', 'webview', ['src/messages.ts$']),
    {
      name: 'vscode-only-in-editor',
      severity: 'error',
      from: { path: '^(src|webview|companion)', pathNot: '^src/(editor/|extension.ts$)' },
      // There is no module `vscode`, only its types.
      to: { path: '(^|/)@types/vscode/' },
    },
  ],
  options: {
    doNotFollow: { path: npm },
    exclude: { path: '^(dist|test-results)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
