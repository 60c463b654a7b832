#!/usr/bin/env node
import { readArguments, UsageError } from './arguments.ts';
import { readBuildInfo } from './build-info.ts';
import { backup, restore } from './commands/backup.ts';
import { check, document, hashFromInput, print } from './commands/config.ts';
import { hold, holds, release, status } from './commands/log.ts';
import { start } from './commands/start.ts';
import { compact, retention, stats } from './commands/store.ts';
import { CouldNotRun, checkStore, repairStore } from './commands/upkeep.ts';
import { ConfigError, type ConfigSources } from './config/load.ts';

const usage = `Usage: varve COMMAND [--config FILE] [--data-dir DIR] [--SETTING VALUE …]

  start            run Varve
  config check     say what is wrong with the configuration
  config print     show the configuration in force, and where each value comes from
  log status       show how the log of a running Varve is: tails, syncs, what holds old files
  log holds        show who keeps records of the log from being trimmed, and for how long yet
  log hold NAME [AGE] [oldest|tail]  keep what the log has, or only what comes, for AGE (30m) unless set again
  log release NAME  let a hold go
  config hash-password  read a password from standard input, print it as tenants.NAME.users needs it
  store stats      show what the store of a running Varve holds, by tenant and table
  store check [--tenant T] [--fast] [--json]  look for damage in a data directory that no Varve has open
  store repair [--dry-run] [--json]  mend what can be, set aside what cannot, and say what is lost
  store compact    merge the segments of a data directory that no Varve has open
  backup FOLDER    copy a data directory, of a running Varve too, sealed; again: only what is new
  restore FOLDER   make the data directory, which must be empty, of a backup
  store retention [--apply]  show what is too old or too much in a data directory that no Varve has open; let it go
  config document  write docs/configuration.md from the schema, to standard output
  help             this text
  version          the version

Settings: docs/configuration.md; 'listen.loki_port' is --listen-loki-port or VARVE_LISTEN_LOKI_PORT.
`;

/** Commands that are told all by their words and settings. */
const commands: ReadonlyMap<string, (sources: ConfigSources) => Promise<void> | void> = new Map([
  ['start', start],
  ['config check', check],
  ['config print', print],
  ['config document', document],
  ['config hash-password', hashFromInput],
  ['log status', status],
  ['log holds', holds],
  ['store stats', stats],
  ['store compact', compact],
  ['version', () => void process.stdout.write(`varve ${readBuildInfo().version}\n`)],
  ['help', () => void process.stdout.write(usage)],
  ['', () => void process.stdout.write(usage)],
]);

async function run(args: readonly string[]): Promise<void> {
  const { words, configFile, flags, switches } = readArguments(args);
  const sources = { file: configFile, environment: process.env, flags };
  const [noun, verb, ...rest] = words;
  if (noun === 'store' && (verb === 'check' || verb === 'repair') && rest.length === 0) {
    await (verb === 'check' ? checkStore(sources, switches) : repairStore(sources, switches));
    return;
  }
  const isRetention = noun === 'store' && verb === 'retention' && rest.length === 0;
  if (isRetention && [...switches].every((name) => name === 'apply' || name === 'dry-run')) {
    await retention(sources, switches);
    return;
  }
  for (const name of switches) throw new UsageError(`--${name} is not for 'varve ${words.join(' ')}'`);
  if (noun === 'log' && verb === 'hold' && rest.length > 0) {
    await hold(sources, rest);
    return;
  }
  if (noun === 'log' && verb === 'release' && rest.length === 1) {
    await release(sources, rest);
    return;
  }
  if ((noun === 'backup' || noun === 'restore') && rest.length === 0) {
    await (noun === 'backup' ? backup(sources, verb) : restore(sources, verb));
    return;
  }
  const command = commands.get(words.join(' '));
  if (command === undefined)
    throw new UsageError(`unknown command '${words.join(' ')}'; 'varve help' lists them`);
  await command(sources);
}

try {
  await run(process.argv.slice(2));
} catch (thrown) {
  const exits2 = [UsageError, ConfigError, CouldNotRun].some((kind) => thrown instanceof kind);
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  process.stderr.write(
    `${text
      .split('\n')
      .map((line) => `varve: ${line}`)
      .join('\n')}\n`,
  );
  process.exit(exits2 ? 2 : 1);
}
