import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ConfigSources, loadConfig } from './load.ts';
import { settings } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-config-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function fileOf(yaml: string): string {
  const file = join(folder, 'varve.yaml');
  writeFileSync(file, yaml);
  return file;
}

function load(sources: Partial<ConfigSources>) {
  return loadConfig({ file: undefined, environment: {}, flags: new Map(), ...sources });
}

describe('a configuration', () => {
  it('has a default for every setting', () => {
    const { config, origins } = load({});
    expect(config.listen.otlp_grpc_port).toBe(4317);
    expect(new Set(origins.values())).toEqual(new Set(['default']));
    expect(origins.size).toBe(settings.length);
  });

  it('takes flags over the environment over the file', () => {
    const file = fileOf('listen:\n  loki_port: 1\n  tempo_port: 2\n  http_port: 3\n');
    const { config, origins } = load({
      file,
      environment: { VARVE_LISTEN_LOKI_PORT: '11', VARVE_LISTEN_TEMPO_PORT: '12', PATH: '/bin' },
      flags: new Map([['listen-loki-port', '21']]),
    });
    expect(config.listen).toMatchObject({ loki_port: 21, tempo_port: 12, http_port: 3 });
    expect(['loki_port', 'tempo_port', 'http_port'].map((name) => origins.get(`listen.${name}`))).toEqual([
      'flag',
      'environment',
      'file',
    ]);
  });

  it('turns a listener off, and reads lists and truth from text', () => {
    const environment = {
      VARVE_LISTEN_HTTP_PORT: 'off',
      VARVE_LISTEN_UNAUTHENTICATED_ALLOWED: 'true',
      VARVE_QUERY_PROMETHEUS_CORS_ORIGINS: 'http://a, http://b',
    };
    const { config } = load({ environment });
    expect(config.listen.http_port).toBe('off');
    expect(config.listen.unauthenticated_allowed).toBe(true);
    expect(config.query.prometheus_cors_origins).toEqual(['http://a', 'http://b']);
  });

  it('may be an empty file', () => {
    expect(load({ file: fileOf('# nothing yet\n') }).config.listen.loki_port).toBe(3100);
  });

  it('passes over what Kubernetes sets for a service named varve', () => {
    const environment = {
      VARVE_SERVICE_HOST: '10.0.0.1',
      VARVE_PORT: 'tcp://10.0.0.1',
      VARVE_PORT_80_TCP: '',
    };
    expect(() => load({ environment })).not.toThrow();
  });
});

describe('a wrong configuration is refused', () => {
  it.each([
    ['listen:\n  loki_prot: 1\n', /unknown setting listen.loki_prot in .*; did you mean listen.loki_port\?/],
    ['lissen:\n  loki_port: 1\n', /unknown setting lissen in .*; did you mean listen\?/],
    ['listen: 5\n', /listen in .* must hold settings, one 'name: value' a line/],
    ['listen: [\n', /is not YAML/],
    [
      'tenants:\n  shop:\n    limits: {streams_mx: 1}\n',
      /^unknown setting tenants.shop.limits.streams_mx in .*; did you mean streams_max\?$/,
    ],
    [
      'tenants:\n  shop:\n    limits: {streams_max: 0}\n',
      /tenants.shop.limits.streams_max in .* must be >= 1/,
    ],
    ['limits:\n  body_max_bytes: much\n', /limits.body_max_bytes in .* is "much", it must be integer/],
    [
      'log:\n  partitions: 2\n  tenant_partitions: 3\n',
      /log.tenant_partitions is 3, over log.partitions = 2/,
    ],
    ['listen:\n  host: 0.0.0.0\n', /set listen.unauthenticated_allowed to true if that is meant/],
  ])('%j', (yaml, message) => {
    expect(() => load({ file: fileOf(yaml) })).toThrow(message);
  });

  it('when the file is not there', () => {
    expect(() => load({ file: join(folder, 'absent.yaml') })).toThrow(/absent.yaml cannot be read/);
  });

  it('by the variable that is wrong', () => {
    const environment = { VARVE_LISTEN_LOKI_PORT: '70000' };
    expect(() => load({ environment })).toThrow(
      `VARVE_LISTEN_LOKI_PORT is "70000", it must be a whole number from 0 to 65535 or 'off'`,
    );
  });

  it('naming every problem at once', () => {
    const flags = new Map([
      ['listen-loky-port', '1'],
      ['telemetry-log-level', 'loud'],
    ]);
    expect(() => load({ flags })).toThrow(
      "unknown flag --listen-loky-port; did you mean --listen-loki-port?\n--telemetry-log-level is \"loud\", it must be 'debug' or 'info' or 'warn' or 'error'",
    );
  });
});
