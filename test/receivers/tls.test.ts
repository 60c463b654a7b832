import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { logMarker } from '../../bench/logs.ts';
import { makeAuthority, type Pair, replaceFile } from '../support/certificates.ts';
import { callSecurely, keptConnection, requestHttp2, requestSecurely } from '../support/secure-requests.ts';
import { type Ports, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

const exporting = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const everyPort = ['grpc', 'otlp', 'loki', 'tempo', 'prometheus', 'all'] as const satisfies (keyof Ports)[];
const authority = makeAuthority('test authority');
const trusting = { authority: authority.cert };

const tlsSettings = ({ cert, key }: Pair) => ({
  'tls-cert-file': cert,
  'tls-key-file': key,
  'tls-reload-interval-ms': '100',
});

/** `varve config check` with these flags. */
function checkConfig(settings: Readonly<Record<string, string>>): { status: number | null; told: string } {
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', 'config', 'check', ...flags]);
  return { status, told: stderr.toString() };
}

describe('with a certificate', () => {
  const pair = authority.sign('varve');
  let varve: Varve;
  beforeAll(async () => {
    varve = await startVarve({ settings: tlsSettings(pair) });
  });
  afterAll(async () => {
    expect(await varve.stop()).toBe(0);
  });

  it.each(everyPort)('port %s speaks HTTP/1.1 over TLS', async (name) => {
    expect(await requestSecurely(varve.ports[name], '/ready', trusting)).toMatchObject({ status: 200 });
  });

  it.each(everyPort)('port %s speaks HTTP/2 where the client asks for it', async (name) => {
    const answer = await requestHttp2(`https://127.0.0.1:${varve.ports[name]}`, { path: '/ready' }, trusting);
    expect(answer).toMatchObject({ status: 200 });
  });

  it.each(['grpc', 'otlp', 'all'] as const)('port %s takes gRPC', async (name) => {
    const message = logMarker(`secure ${name}`, Date.now());
    expect(await callSecurely(varve.ports[name], exporting, message, trusting)).toBe(0);
  });

  it('curl sends and finds a record, with its own TLS', () => {
    const curl = (...args: readonly string[]) =>
      execFileSync('curl', ['-sSf', '--cacert', authority.cert, ...args]).toString();
    const values = [[`${Date.now()}000000`, 'by curl']];
    const body = JSON.stringify({ streams: [{ stream: { app: 'curl' }, values }] });
    const at = `https://localhost:${varve.ports.loki}/loki/api/v1`;
    curl('-H', 'Content-Type: application/json', '-d', body, `${at}/push`);
    expect(curl('-G', `${at}/query_range`, '--data-urlencode', 'query={app="curl"}')).toContain('by curl');
  });

  it('cleartext is not answered', async () => {
    await expect(fetch(`http://127.0.0.1:${varve.ports.otlp}/ready`)).rejects.toThrow();
  });

  it('a client that does not know the authority turns away', async () => {
    const other = { authority: makeAuthority('another authority').cert };
    await expect(requestSecurely(varve.ports.otlp, '/ready', other)).rejects.toThrow(/certificate/);
    expect(await callSecurely(varve.ports.grpc, exporting, Buffer.alloc(0), other)).toBe(14);
  });

  it('TLS 1.1 is refused', async () => {
    const socket = connect({
      port: varve.ports.otlp,
      host: '127.0.0.1',
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    });
    await expect(
      new Promise((resolve, reject) => {
        socket.on('secureConnect', resolve).on('error', reject);
      }),
    ).rejects.toThrow();
  });

  it('the program tells its state to who may open its data directory, without a certificate', () => {
    const args = ['dist/cli/main.js', 'log', 'status', '--data-dir', varve.dataDir];
    expect(execFileSync(process.execPath, args).toString()).toContain('writable');
  });
});

describe('a certificate that is replaced while Varve runs', () => {
  const pair = authority.sign('first');
  let varve: Varve;
  beforeAll(async () => {
    varve = await startVarve({ settings: tlsSettings(pair) });
  });
  afterAll(async () => {
    await varve.stop();
  });

  /** The name in the certificate that a new connection sees. */
  const shown = async () =>
    await new Promise((resolve, reject) => {
      const socket = connect({ port: varve.ports.otlp, host: '127.0.0.1', ca: readFileSync(authority.cert) });
      socket.on('error', reject).on('secureConnect', () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
    });

  it('is shown to new connections, and open ones stay', async () => {
    const agent = keptConnection(trusting);
    const ready = async () => await requestSecurely(varve.ports.otlp, '/ready', trusting, { agent });
    expect([(await ready()).status, await shown()]).toEqual([200, 'first']);
    const kept = Object.values(agent.freeSockets).flat();
    const second = authority.sign('second');
    replaceFile(pair.key, second.key);
    replaceFile(pair.cert, second.cert);
    await vi.waitFor(
      async () => {
        expect(await shown()).toBe('second');
      },
      { timeout: 10_000, interval: 100 },
    );
    expect((await ready()).status).toBe(200);
    expect(Object.values(agent.freeSockets).flat()).toEqual(kept);
    agent.destroy();
  });

  it('stays where the new one does not fit its key, and the log says so', async () => {
    replaceFile(pair.cert, authority.sign('third').cert);
    await vi.waitFor(
      () => {
        expect(varve.errorOutput()).toMatch(/new certificate cannot be used.*|is not the key of/);
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(await shown()).toBe('second');
  });
});

describe('where clients need a certificate', () => {
  const clients = makeAuthority('clients');
  const known = { ...trusting, pair: clients.sign('sender') };
  let varve: Varve;
  beforeAll(async () => {
    const settings = { ...tlsSettings(authority.sign('varve')), 'tls-client-ca-file': clients.cert };
    varve = await startVarve({ settings });
  });
  afterAll(async () => {
    await varve.stop();
  });

  it('one of the authority is served, over HTTP and gRPC', async () => {
    expect(await requestSecurely(varve.ports.loki, '/ready', known)).toMatchObject({ status: 200 });
    const message = logMarker('known sender', Date.now());
    expect(await callSecurely(varve.ports.grpc, exporting, message, known)).toBe(0);
  });

  it.each([
    ['none', undefined],
    ['one of another authority', makeAuthority('strangers').sign('sender')],
    ['one that has ended', clients.sign('sender', -1)],
  ])('%s is sent away at every port', async (_what, pair) => {
    for (const name of everyPort)
      await expect(requestSecurely(varve.ports[name], '/ready', { ...trusting, pair })).rejects.toThrow();
    expect(await callSecurely(varve.ports.grpc, exporting, Buffer.alloc(0), { ...trusting, pair })).toBe(14);
  });

  it('who was sent away is counted', async () => {
    const { text } = await requestSecurely(varve.ports.all, '/metrics', known);
    expect(Number(/^varve_tls_failed_handshakes_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(18);
    const ends = Number(/^varve_tls_certificate_end_timestamp_seconds (\S+)$/m.exec(text)?.[1]);
    expect(ends).toBeGreaterThan(Date.now() / 1_000 + 86_400);
  });
});

describe('`config check`', () => {
  const pair = authority.sign('varve');
  const junk = join(temporaryFolder(), 'junk.pem');
  writeFileSync(junk, 'no certificate');

  it.each([
    [
      'a file that is not there',
      { 'tls-cert-file': '/no/such.pem' },
      /tls\.cert_file '\/no\/such\.pem' cannot be read: ENOENT/,
    ],
    [
      'a certificate that is none',
      { 'tls-cert-file': junk },
      /tls\.cert_file '.*' holds no certificate in PEM/,
    ],
    ['a key that is none', { 'tls-key-file': junk }, /tls\.key_file '.*' holds no key in PEM/],
    [
      'the key of another',
      { 'tls-key-file': authority.sign('x').key },
      /tls\.key_file '.*' is not the key of tls\.cert_file/,
    ],
    [
      'an authority that is none',
      { 'tls-client-ca-file': junk },
      /tls\.client_ca_file '.*' holds no certificate/,
    ],
    ['a certificate without a key', { 'tls-key-file': '' }, /tls\.key_file is empty/],
  ])('refuses %s', (_what, changed, words) => {
    const { status, told } = checkConfig({ ...tlsSettings(pair), ...changed });
    expect(status).toBe(2);
    expect(told).toMatch(words);
  });

  it('takes files that fit', () => {
    expect(checkConfig({ ...tlsSettings(pair), 'tls-client-ca-file': authority.cert }).status).toBe(0);
  });

  it('refuses an open address where nobody is asked who they are, but for one that needs certificates', () => {
    const open = { 'listen-host': '0.0.0.0', ...tlsSettings(pair) };
    expect(checkConfig(open).told).toMatch(/listen\.host is '0\.0\.0\.0'.*tls\.client_ca_file/);
    expect(checkConfig({ ...open, 'tls-client-ca-file': authority.cert }).status).toBe(0);
  });
});
