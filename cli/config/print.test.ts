import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from './load.ts';
import { documentConfig, printConfig } from './print.ts';
import { settings } from './settings.ts';

describe('a printed configuration', () => {
  const loaded = loadConfig({
    file: undefined,
    environment: { VARVE_QUERY_PROMETHEUS_CORS_ORIGINS: 'http://a' },
    flags: new Map([['listen-loki-port', '0']]),
  });

  it('reads back as the same configuration', () => {
    expect(parse(printConfig(loaded))).toEqual(loaded.config);
  });

  it('says where a value comes from that is not the default', () => {
    const text = printConfig(loaded);
    expect(text).toContain('  loki_port: 0 # flag\n');
    expect(text).toContain('# environment\n');
    expect(text).toContain('  tempo_port: 3200\n');
  });
});

describe('the configuration’s document', () => {
  it('names every setting with its default and variable', () => {
    const text = documentConfig();
    for (const { name, variable } of settings) {
      expect(text).toContain(`| \`${name}\` |`);
      expect(text).toContain(`\`${variable}\``);
    }
  });
});
