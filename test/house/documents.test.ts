import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { output, projectFiles, root, textOf } from './tree.ts';

/** Every word in backticks in a table's first column. */
function firstColumn(markdown: string): string[] {
  return [...markdown.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');
}

describe('docs/errors.md', () => {
  it('lists every code that there is, and no other', () => {
    const native = [...textOf('native/types/src/code.rs').matchAll(/=> "([A-Z_]+)"/g)].map(
      (match) => match[1],
    );
    const list = /type ReceiverCode =([^;]*);/.exec(textOf('ingest/errors.ts'))?.[1] ?? '';
    const receivers = [...list.matchAll(/'([A-Z_]+)'/g)].map((match) => match[1]);
    expect(receivers.length).toBeGreaterThan(0);
    expect(firstColumn(textOf('docs/errors.md')).sort()).toEqual([...native, ...receivers].sort());
  });

  it('names the same native codes as TypeScript', () => {
    const rust = [...textOf('native/types/src/code.rs').matchAll(/=> "([A-Z_]+)"/g)].map((match) => match[1]);
    const list = /errorCodes = \[([^\]]*)\]/.exec(textOf('native/errors.ts'))?.[1] ?? '';
    expect([...list.matchAll(/'([A-Z_]+)'/g)].map((match) => match[1])).toEqual(rust);
  });
});

describe('docs/configuration.md', () => {
  it('is what the schema gives', () => {
    expect(textOf('docs/configuration.md')).toBe(
      output(process.execPath, ['cli/main.ts', 'config', 'document']),
    );
  });
});

describe('a document', () => {
  const documents = projectFiles().filter((path) => path.endsWith('.md'));

  it('links only to what is there', () => {
    const broken = documents.flatMap((path) =>
      [...textOf(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => normalize(join(dirname(path), match[1] ?? '')))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('names only settings that there are', () => {
    const known = new Set(firstColumn(textOf('docs/configuration.md')));
    const sections = [
      ...new Set([...known].filter((name) => name.includes('.')).map((name) => name.split('.')[0])),
    ];
    const setting = new RegExp(`\`((?:${sections.join('|')})\\.[a-z_]+)\``, 'g');
    const unknown = documents.flatMap((path) =>
      [...textOf(path).matchAll(setting)].map((match) => match[1] ?? '').filter((name) => !known.has(name)),
    );
    expect(unknown).toEqual([]);
  });
});
