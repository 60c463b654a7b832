#!/usr/bin/env node
/**
 * The way from a fresh clone to a running Varve: `npm start`, `npm test`, `npm run setup`.
 *
 * Runs before anything is installed, so it is plain JavaScript for Node 20 and imports nothing
 * outside Node. Each step is skipped when what it read has not changed since it last succeeded.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const stamps = join(root, 'node_modules', '.varve');
const environment = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };

/** Sources of the addon, of the program, and of what is installed: a change in them repeats the step. */
const inputs = {
  install: ['package.json', 'package-lock.json'],
  addon: [
    'native/Cargo.toml',
    'native/Cargo.lock',
    ...crates().flatMap((name) => [`native/${name}/Cargo.toml`, `native/${name}/src`]),
    'native/binding/build.rs',
  ],
  program: [
    'tsconfig.json',
    'tsconfig.build.json',
    'ingest',
    'storage',
    'search',
    'query-api',
    'cli',
    'native/index.ts',
    'native/errors.ts',
    'native/status.ts',
    'native/addon.d.ts',
  ],
};

function crates() {
  const manifest = readFileSync(join(root, 'native/Cargo.toml'), 'utf8');
  const members = /members = \[([^\]]*)\]/.exec(manifest)?.[1] ?? '';
  return [...members.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
}

function fail(sentence) {
  process.stderr.write(`varve: ${sentence}\n`);
  process.exit(1);
}

function filesBelow(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [full];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(filesBelow))
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function isDone(step, produced) {
  const stamp = join(stamps, step);
  return (
    existsSync(produced) && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(inputs[step])
  );
}

function markDone(step) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, step), fingerprint(inputs[step]));
}

/** Runs a command with the terminal as it is; ends the whole run with its sentence when it fails. */
function run(command, args, sentence, extra = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...environment, ...extra } });
  if (result.error !== undefined) fail(`${sentence} (${result.error.message})`);
  if (result.status !== 0) fail(sentence);
}

function has(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore', env: environment }).status === 0;
}

function install() {
  if (isDone('install', join(bin, 'tsc'))) return;
  process.stderr.write('varve: installing packages by the lock file …\n');
  rmSync(stamps, { recursive: true, force: true });
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], "'npm ci' failed; see its message above");
  markDone('install');
}

function buildAddon() {
  const addon = join(root, 'native', 'varve.node');
  if (isDone('addon', addon)) return;
  if (!has('cargo'))
    fail("Rust's cargo is missing; install Rust 1.95 or later with rustup (rustup.rs) and run this again");
  if (!has('cc'))
    fail(
      "a C compiler is missing; install one (Debian: 'apt-get install build-essential', macOS: 'xcode-select --install') and run this again",
    );
  process.stderr.write(
    'varve: building the native core; the first time takes about a quarter of an hour on two cores …\n',
  );
  const started = Date.now();
  run('napi', napiArguments(), 'the native core did not build; see the compiler’s message above');
  if (!existsSync(addon)) fail(`the build did not leave ${addon}; please report this with the output above`);
  process.stderr.write(`varve: native core built in ${Math.round((Date.now() - started) / 1000)} s\n`);
  markDone('addon');
}

function napiArguments() {
  return [
    'build',
    '--release',
    '--manifest-path',
    'native/binding/Cargo.toml',
    '--output-dir',
    'native',
    '--dts',
    'addon.d.ts',
    '--no-js',
  ];
}

function buildProgram() {
  const main = join(root, 'dist', 'cli', 'main.js');
  if (isDone('program', main)) return;
  // A file that was deleted or renamed must not live on in dist.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('tsc', ['-p', 'tsconfig.build.json'], 'the TypeScript part did not compile; see the message above');
  markDone('program');
}

function setUp() {
  install();
  buildAddon();
  buildProgram();
}

/** Replaces this process' role: signals go to the program, its exit status is ours. */
async function start(args) {
  const { spawn } = await import('node:child_process');
  const child = spawn(join(bin, 'node'), [join(root, 'dist/cli/main.js'), 'start', ...args], {
    stdio: 'inherit',
    env: environment,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}

function test() {
  run('npm', ['run', '--silent', 'test:rust'], 'native tests failed');
  run('npm', ['run', '--silent', 'test:unit'], 'unit tests failed');
  run('npm', ['run', '--silent', 'test:house'], 'house tests failed');
  run('npm', ['run', '--silent', 'test:integration'], 'integration tests failed');
}

const [command, ...args] = process.argv.slice(2);
switch (command) {
  case 'start':
    setUp();
    await start(args);
    break;
  case 'test':
    setUp();
    test();
    break;
  case 'setup':
    setUp();
    break;
  default:
    fail(`unknown step '${command ?? ''}'; use 'npm start', 'npm test' or 'npm run setup'`);
}
