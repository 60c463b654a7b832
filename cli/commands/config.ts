import { text } from 'node:stream/consumers';
import { UsageError } from '../arguments.ts';
import { hashPassword } from '../auth.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import { documentConfig, printConfig } from '../config/print.ts';
import { showReplication } from '../config/replication.ts';

/** `varve config check`: says which file was read and what the log stands; throws what is wrong. @throws ConfigError */
export function check(sources: ConfigSources): void {
  const { file, config } = loadConfig(sources);
  process.stdout.write(`${file ?? 'built-in configuration'}: ok\n${showReplication(config.log)}`);
}

/** `varve config print`: the configuration in force, and where each value comes from. @throws ConfigError */
export function print(sources: ConfigSources): void {
  process.stdout.write(printConfig(loadConfig(sources)));
}

/** `varve config document`: `docs/configuration.md`. */
export function document(): void {
  process.stdout.write(documentConfig());
}

/** `varve config hash-password`: the first line of standard input, as the configuration holds it. */
export async function hashFromInput(): Promise<void> {
  const [password = ''] = (await text(process.stdin)).split(/\r?\n/, 1);
  if (password === '') throw new UsageError('no password on standard input');
  process.stdout.write(`${await hashPassword(password)}\n`);
}
