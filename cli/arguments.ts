import { parseArgs } from 'node:util';

/** A command line, read: which command, and the settings given as flags. */
export interface CommandLine {
  readonly words: readonly string[];
  readonly configFile: string | undefined;
  /** By the flag's name without dashes; whether a flag is known is for `loadConfig` to say. */
  readonly flags: ReadonlyMap<string, string>;
  /** Flags of commands, which have no value. */
  readonly switches: ReadonlySet<string>;
}

const switchNames = new Set(['apply', 'dry-run', 'fast', 'json']);

/** A command line that cannot be read; the message says which word and why. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Reads `varve COMMAND [--flag value | --flag=value]…`. @throws UsageError for a flag without a value */
export function readArguments(args: readonly string[]): CommandLine {
  const words: string[] = [];
  const flags = new Map<string, string>();
  const switches = new Set<string>();
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true });
  let waiting: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'option') {
      if (waiting !== undefined) throw new UsageError(`--${waiting} needs a value`);
      if (token.value === undefined && switchNames.has(token.name)) switches.add(token.name);
      else if (token.value === undefined) waiting = token.name;
      else flags.set(token.name, token.value);
    } else if (token.kind === 'positional') {
      if (waiting === undefined) words.push(token.value);
      else flags.set(waiting, token.value);
      waiting = undefined;
    }
  }
  if (waiting === 'help' || waiting === 'version') words.push(waiting);
  else if (waiting !== undefined) throw new UsageError(`--${waiting} needs a value`);
  const configFile = flags.get('config');
  flags.delete('config');
  return { words, configFile, flags, switches };
}
