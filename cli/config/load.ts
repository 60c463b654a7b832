import { existsSync, readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { asksForCredentials } from '../auth.ts';
import { readTlsFiles, TlsError } from '../tls.ts';
import { replicationProblems } from './replication.ts';
import { retentionProblems } from './retention.ts';
import { type Config, ConfigSchema } from './schema.ts';
import { nearest, type Setting, sections, settings } from './settings.ts';

/** Where a setting's value comes from, for `varve config print`. */
export type Origin = 'default' | 'file' | 'environment' | 'flag';

/** A configuration and where each of its values comes from, by the setting's name. */
export interface Loaded {
  readonly config: Config;
  readonly origins: ReadonlyMap<string, Origin>;
  /** The file that was read; undefined when there was none. */
  readonly file: string | undefined;
}

export interface ConfigSources {
  /** `--config`; must exist. Without it `varve.yaml` is read if it is there. */
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By the flag's name without dashes. */
  readonly flags: ReadonlyMap<string, string>;
}

/** A configuration that cannot be used. Each line says what is wrong, where, and what to do. */
export class ConfigError extends Error {
  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.name = 'ConfigError';
  }
}

interface Given {
  readonly value: unknown;
  readonly origin: Origin;
  /** `listen.loki_port in varve.yaml`, for messages. */
  readonly where: string;
}

/**
 * Reads the configuration: built-in defaults, then the file, then `VARVE_*`, then flags.
 *
 * @throws ConfigError naming every problem, not only the first
 */
export function loadConfig(sources: ConfigSources): Loaded {
  const problems: string[] = [];
  const given = new Map<string, Given>();
  const file = readFile(sources.file, given, problems);
  readEnvironment(sources.environment, given, problems);
  readFlags(sources.flags, given, problems);
  for (const setting of settings) checkSetting(setting, given.get(setting.name), problems);
  if (problems.length === 0) checkTogether(given, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config: assemble(given),
    origins: new Map(settings.map(({ name }) => [name, given.get(name)?.origin ?? 'default'])),
    file,
  };
}

/** What holds where nothing is set. */
export function defaultConfig(): Config {
  return assemble(new Map());
}

const defaultFile = 'varve.yaml';

function readFile(
  asked: string | undefined,
  given: Map<string, Given>,
  problems: string[],
): string | undefined {
  const file = asked ?? (existsSync(defaultFile) ? defaultFile : undefined);
  if (file === undefined) return undefined;
  let tree: unknown;
  try {
    tree = parseYaml(readFileSync(file, 'utf8'));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    problems.push(
      thrown instanceof YAMLParseError ? `${file} is not YAML: ${why}` : `${file} cannot be read: ${why}`,
    );
    return file;
  }
  if (tree !== null && tree !== undefined) walk(tree, [], file, given, problems);
  return file;
}

function walk(
  tree: unknown,
  above: readonly string[],
  file: string,
  given: Map<string, Given>,
  problems: string[],
): void {
  const at = above.join('.');
  const known = settings.find(({ name }) => name === at);
  if (known !== undefined) {
    given.set(at, { value: tree, origin: 'file', where: `${at} in ${file}` });
    return;
  }
  if (above.length > 0 && !sections.includes(at)) {
    problems.push(
      unknown(`setting ${at} in ${file}`, at, [...settings.map(({ name }) => name), ...sections]),
    );
    return;
  }
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    problems.push(`${at === '' ? file : `${at} in ${file}`} must hold settings, one 'name: value' a line`);
    return;
  }
  for (const [key, value] of Object.entries(tree)) walk(value, [...above, key], file, given, problems);
}

// Kubernetes sets VARVE_SERVICE_HOST, VARVE_PORT_8080_TCP and the like in pods beside a service
// that is named varve.
const kubernetesServiceLink = /^VARVE(_\w+)?_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/;

function readEnvironment(
  environment: ConfigSources['environment'],
  given: Map<string, Given>,
  problems: string[],
): void {
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('VARVE_') || text === undefined) continue;
    const setting = settings.find((candidate) => candidate.variable === variable);
    if (setting !== undefined)
      given.set(setting.name, { value: fromText(setting, text), origin: 'environment', where: variable });
    else if (!kubernetesServiceLink.test(variable))
      problems.push(
        unknown(
          `variable ${variable}`,
          variable,
          settings.map((known) => known.variable),
        ),
      );
  }
}

function readFlags(flags: ReadonlyMap<string, string>, given: Map<string, Given>, problems: string[]): void {
  for (const [flag, text] of flags) {
    const setting = settings.find((candidate) => candidate.flag === flag);
    if (setting !== undefined)
      given.set(setting.name, { value: fromText(setting, text), origin: 'flag', where: `--${flag}` });
    else
      problems.push(
        unknown(`flag --${flag}`, flag, ['config', ...settings.map((known) => known.flag)], '--'),
      );
  }
}

function unknown(what: string, name: string, known: readonly string[], prefix = ''): string {
  const near = nearest(name, known);
  const hint =
    near === undefined ? "see 'varve config print' for all of them" : `did you mean ${prefix}${near}?`;
  return `unknown ${what}; ${hint}`;
}

function fromText(setting: Setting, text: string): unknown {
  const isListOfTexts = 'items' in setting.schema && !isTree(setting);
  if (isListOfTexts) return text === '' ? [] : text.split(',').map((part) => part.trim());
  if (isTree(setting)) return treeFromText(text);
  return Value.Convert(setting.schema, text);
}

function isTree({ schema }: Setting): boolean {
  const items = 'items' in schema ? schema.items : undefined;
  const isListOfTrees = typeof items === 'object' && items !== null && 'properties' in items;
  return 'patternProperties' in schema || isListOfTrees;
}

/** What is no JSON stays text, and is refused as that. */
function treeFromText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function checkSetting(setting: Setting, given: Given | undefined, problems: string[]): void {
  if (given === undefined || Value.Check(setting.schema, given.value)) return;
  if (isTree(setting)) {
    problems.push(...treeProblems(setting, given));
    return;
  }
  const [first] = Value.Errors(setting.schema, given.value);
  const choices = 'anyOf' in setting.schema ? choicesOf(setting.schema.anyOf) : undefined;
  const must = choices ?? first?.message ?? 'is not valid';
  problems.push(`${given.where} is ${JSON.stringify(given.value)}, it ${must}`);
}

/** Names the place and never shows the value: there may be secrets in it. */
function treeProblems({ name, schema }: Setting, { value, where }: Given): string[] {
  const from = where.slice(where.startsWith(name) ? name.length : 0);
  const errors = Value.Errors(schema, value).filter(({ keyword }) => keyword !== 'additionalProperties');
  return errors.map(({ instancePath, message, keyword }) => {
    const path = [name, ...instancePath.split('/').filter(Boolean)];
    const at = `${path.join('.')}${from === where ? ` of ${where}` : from}`;
    // The schema of what is not known lets nothing pass.
    if (keyword !== 'boolean') return `${at} ${message}`;
    const known = settings.map((setting) => setting.path.at(-1) ?? '');
    return unknown(`setting ${at}`, path.at(-1) ?? '', known);
  });
}

function choicesOf(alternatives: unknown): string {
  const words = (alternatives as Readonly<Record<string, unknown>>[]).map((alternative) =>
    'const' in alternative
      ? `'${String(alternative['const'])}'`
      : `a whole number from ${String(alternative['minimum'])} to ${String(alternative['maximum'])}`,
  );
  return `must be ${words.join(' or ')}`;
}

const loopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

function checkTogether(given: ReadonlyMap<string, Given>, problems: string[]): void {
  const config = assemble(given);
  const { listen, log } = config;
  // Who shows a certificate of ours is known.
  const isOpen = !asksForCredentials(config) && config.tls.client_ca_file === '';
  if (!loopback.test(listen.host) && isOpen && !listen.unauthenticated_allowed) {
    problems.push(
      `listen.host is '${listen.host}': whoever reaches it could read and write everything; ` +
        'give tenants.NAME tokens or users, ask for client certificates (tls.client_ca_file), set listen.unauthenticated_allowed to true if that is meant, or listen on 127.0.0.1',
    );
  }
  if (log.tenant_partitions > log.partitions) {
    problems.push(
      `log.tenant_partitions is ${log.tenant_partitions}, over log.partitions = ${log.partitions}; lower it`,
    );
  }
  problems.push(...replicationProblems(log), ...tlsProblems(config.tls), ...retentionProblems(config));
}

function tlsProblems(tls: Config['tls']): readonly string[] {
  const { cert_file, key_file, client_ca_file } = tls;
  if (cert_file === '' && key_file === '' && client_ca_file === '') return [];
  if (cert_file === '' || key_file === '') {
    const missing = cert_file === '' ? 'cert_file' : 'key_file';
    return [`tls.${missing} is empty: TLS needs tls.cert_file and tls.key_file; set it, or empty the others`];
  }
  try {
    readTlsFiles(tls);
    return [];
  } catch (thrown) {
    if (thrown instanceof TlsError) return thrown.problems;
    throw thrown;
  }
}

function assemble(given: ReadonlyMap<string, Given>): Config {
  const tree: Record<string, unknown> = {};
  for (const { name, path, schema } of settings) {
    const entry = given.get(name);
    const value = entry === undefined ? schema.default : entry.value;
    const [head = '', leaf] = path;
    if (leaf === undefined) tree[head] = value;
    else tree[head] = { ...(tree[head] as object | undefined), [leaf]: value };
  }
  Value.Assert(ConfigSchema, tree);
  return tree;
}
