import { Document, isMap, isScalar, type YAMLMap } from 'yaml';
import type { Loaded, Origin } from './load.ts';
import { sections, settings } from './settings.ts';

/** The configuration as YAML that `varve.yaml` may hold; a comment says where a value comes from. */
export function printConfig({ config, origins }: Loaded): string {
  const document = new Document(config);
  for (const { name, path } of settings) {
    const origin: Origin = origins.get(name) ?? 'default';
    if (origin === 'default') continue;
    const node = document.getIn(path, true);
    if (isScalar(node)) node.comment = ` ${origin}`;
    else if (isMap(document.contents)) (node as YAMLMap).commentBefore = ` ${origin}`;
  }
  return document.toString({ lineWidth: 0 });
}

/** `docs/configuration.md`, made from the schema. */
export function documentConfig(): string {
  const head = [
    '# Configuration',
    '',
    'Made from `cli/config/schema.ts` by `npm run generate`; change it there.',
    '',
    'A value is looked for in flags, then the environment, then `varve.yaml` (or `--config FILE`), then',
    'here. `varve config print` shows what is in force and where it comes from, `varve config check` says',
    'what is wrong. Sizes are bytes, times milliseconds, as the names end; where the name has no unit the value',
    'does (`64MiB`, `5s`).',
  ];
  const table = (title: string, prefix: string) => [
    '',
    `## ${title}`,
    '',
    '| setting | default | environment | meaning |',
    '| --- | --- | --- | --- |',
    ...settings
      .filter(({ path }) => (path.length === 1 ? '' : path[0]) === prefix)
      .map(({ name, schema, variable }) => {
        const standard = JSON.stringify(schema.default);
        return `| \`${name}\` | \`${standard}\` | \`${variable}\` | ${(schema.description ?? '').replaceAll('|', '\\|')} |`;
      }),
  ];
  const body = [
    ...table('The whole', ''),
    ...sections.flatMap((section) => table(`\`${section}\``, section)),
  ];
  return `${[...head, ...body].join('\n')}\n\nOn the command line a setting is its name with dashes: \`--listen-loki-port 3101\`, \`--data-dir /var/lib/varve\`.\n`;
}
