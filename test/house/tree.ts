import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The project's root; tests run from there. */
export const root = process.cwd();

/** Files that are committed or about to be, by their path from the root. */
export function projectFiles(): string[] {
  const listed = spawnSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  if (listed.status !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
  return listed.stdout.split('\n').filter((path) => path !== '');
}

/** Source files that people write. */
export function sourceFiles(): string[] {
  return projectFiles().filter((path) => /\.(ts|mjs|cjs|js|rs)$/.test(path) && !generated.has(path));
}

const generated: ReadonlySet<string> = new Set(['search/plan/generated.ts', 'native/addon.d.ts']);

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Runs a command at the root and gives what it wrote to standard output. */
export function output(command: string, args: readonly string[]): string {
  const ran = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (ran.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}
