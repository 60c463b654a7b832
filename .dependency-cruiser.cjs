// Who may import whom (ARCHITECTURE.md, "Direction"): a folder's index.ts is its front door.
const only = (folder, allowed) => ({
  name: `${folder}-imports`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: '^(ingest|storage|search|query-api|native|cli|dashboards|test|bench)/',
    pathNot: `^(${[folder, ...allowed].join('|')})/`,
  },
});

module.exports = {
  forbidden: [
    only('native', []),
    only('storage', ['native']),
    only('search', ['storage', 'native']),
    only('ingest', ['storage', 'native']),
    only('query-api', ['search', 'storage']),
    only('test', ['bench']),
    only('bench', ['test']),
    {
      name: 'front-door',
      severity: 'error',
      from: { path: '^([^/]+)/' },
      to: { path: '^(ingest|storage|search|query-api|native)/', pathNot: '^$1/|^[^/]+/index\\.ts$' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|native/target)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
