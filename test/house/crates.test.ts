import { describe, expect, it } from 'vitest';
import { output } from './tree.ts';

/** Who may depend on whom (ARCHITECTURE.md, "Direction"); `dev` may be used by tests besides. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  types: [],
  log: ['types'],
  sim: ['types', 'log'],
  columnar: ['types'],
  wire: ['types', 'columnar'],
  segment: ['types', 'columnar'],
  text: ['types', 'columnar'],
  view: ['types', 'columnar', 'log', 'segment', 'text'],
  query: ['types', 'columnar', 'view'],
  sql: ['types', 'columnar', 'view', 'query'],
  binding: ['types', 'columnar', 'log', 'wire', 'segment', 'text', 'view', 'query', 'sql'],
};

/** Crates that one folder alone may name, so that the rest stays free of them. */
const owners: Readonly<Record<string, readonly string[]>> = {
  napi: ['binding'],
  'napi-derive': ['binding'],
  'tantivy-sstable': ['text'],
  parquet: ['segment'],
  datafusion: ['sql'],
};

interface Metadata {
  readonly packages: readonly {
    readonly name: string;
    readonly dependencies: readonly { readonly name: string; readonly kind: string | null }[];
  }[];
}

const arguments_ = [
  'metadata',
  '--no-deps',
  '--locked',
  '--format-version',
  '1',
  '--manifest-path',
  'native/Cargo.toml',
];
const { packages } = JSON.parse(output('cargo', arguments_)) as Metadata;
const folderOf = (name: string) => name.replace(/^varve-/, '');

describe('the crates', () => {
  it('are those of the picture', () => {
    expect(packages.map(({ name }) => folderOf(name)).sort()).toEqual(Object.keys(allowed).sort());
  });

  it('depend only along its arrows', () => {
    const wrong = packages.flatMap(({ name, dependencies }) =>
      dependencies
        .filter((dependency) => dependency.kind === null && dependency.name.startsWith('varve-'))
        .filter((dependency) => !(allowed[folderOf(name)] ?? []).includes(folderOf(dependency.name)))
        .map((dependency) => `${name} → ${dependency.name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('leave each outside engine to its one owner', () => {
    const wrong = packages.flatMap(({ name, dependencies }) =>
      dependencies
        .filter((dependency) => !(owners[dependency.name] ?? [folderOf(name)]).includes(folderOf(name)))
        .map((dependency) => `${name} → ${dependency.name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keep Arrow out of the log', () => {
    const log = packages.find(({ name }) => name === 'varve-log');
    expect(log?.dependencies.map(({ name }) => name)).not.toContain('arrow');
  });
});
