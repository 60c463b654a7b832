import { isDeepStrictEqual } from 'node:util';
import { Document } from 'yaml';
import { defaultConfig } from './load.ts';
import type { Config } from './schema.ts';
import { settings } from './settings.ts';

/** How much of a configuration is shown: Loki's words in `/config?mode=`. */
export type ShownPart = 'whole' | 'diff' | 'defaults';

/** A configuration as YAML for whoever may see metrics: without what lets somebody in, be it a hash. */
export function showConfig(config: Config, part: ShownPart): string {
  const defaults = defaultConfig();
  if (part === 'defaults') return yamlOf(defaults);
  const shown = withoutSecrets(config);
  if (part === 'whole') return yamlOf(shown);
  const different: Record<string, unknown> = {};
  for (const { path } of settings) {
    const value = valueAt(shown, path);
    if (isDeepStrictEqual(value, valueAt(defaults, path))) continue;
    const [section = '', leaf] = path;
    if (leaf === undefined) different[section] = value;
    else different[section] = { ...(different[section] as object | undefined), [leaf]: value };
  }
  return yamlOf(different);
}

function yamlOf(value: object): string {
  return new Document(value).toString({ lineWidth: 0 });
}

function valueAt(config: Config, path: readonly string[]): unknown {
  return path.reduce<unknown>((tree, key) => (tree as Readonly<Record<string, unknown>>)[key], config);
}

/** As Loki writes what it does not show. */
const hidden = '********';

function withoutSecrets(config: Config): Config {
  const tenants = Object.entries(config.tenants).map(([name, tenant]) => {
    const shown = { ...tenant };
    if (tenant.tokens !== undefined)
      shown.tokens = tenant.tokens.map((token) => ({ ...token, sha256: hidden }));
    if (tenant.users !== undefined) {
      const users = Object.entries(tenant.users).map(([user, own]) => [user, { ...own, password: hidden }]);
      shown.users = Object.fromEntries(users) as NonNullable<typeof tenant.users>;
    }
    return [name, shown] as const;
  });
  return { ...config, tenants: Object.fromEntries(tenants) };
}
