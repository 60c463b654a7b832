import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, type Pair } from '../support/certificates.ts';
import { awaitLines, linesOf } from '../support/loki.ts';
import { startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

const folder = temporaryFolder();
const authority = makeAuthority('test authority');
const server = authority.sign('localhost');
const client = authority.sign('edge-7');

async function startedWith(clientCa: string): Promise<Varve> {
  return await startVarve({
    settings: {
      'listen-syslog-tls-cert-file': server.cert,
      'listen-syslog-tls-key-file': server.key,
      ...(clientCa === '' ? {} : { 'listen-syslog-tls-client-ca-file': clientCa }),
    },
  });
}

async function connected({ ports }: Varve, own?: Pair): Promise<TLSSocket> {
  const files = own && { cert: readFileSync(own.cert), key: readFileSync(own.key) };
  const ca = readFileSync(authority.cert);
  const socket = connect({ port: ports.syslogTls, host: '127.0.0.1', servername: 'localhost', ca, ...files });
  await once(socket, 'secureConnect');
  return socket;
}

describe('syslog over TLS', () => {
  let varve: Varve;
  beforeAll(async () => {
    varve = await startedWith('');
  });
  afterAll(async () => {
    await varve.stop();
  });

  it('takes both framings', async () => {
    (await connected(varve)).end('16 <13>tls: counted<13>tls: line\n');
    const found = await awaitLines(varve, '{app="tls"}', 2);
    expect(found.map(({ line }) => line).sort()).toEqual(['counted', 'line']);
  });

  it('shows a new certificate once its file has changed', async () => {
    const renewed = authority.sign('renewed');
    copyFileSync(renewed.key, server.key);
    copyFileSync(renewed.cert, server.cert);
    const givenUpAt = Date.now() + 20_000;
    let name = '';
    while (name !== 'renewed' && Date.now() < givenUpAt) {
      const socket = await connected(varve);
      name = String(socket.getPeerCertificate().subject.CN);
      socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(name).toBe('renewed');
  });

  describe('from rsyslog', () => {
    const socket = join(folder, 'log');
    let rsyslog: ChildProcess;

    beforeAll(async () => {
      writeFileSync(
        join(folder, 'rsyslog.conf'),
        [
          `global(workDirectory="${folder}" localHostname="box-7" defaultNetstreamDriverCAFile="${authority.cert}")`,
          'module(load="imuxsock" sysSock.use="off")',
          `input(type="imuxsock" socket="${socket}" useSpecialParser="off")`,
          `*.* action(type="omfwd" target="localhost" port="${varve.ports.syslogTls}" protocol="tcp"`,
          '  TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"',
          '  StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid")',
          '',
        ].join('\n'),
      );
      rsyslog = spawn('rsyslogd', ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')]);
      const givenUpAt = Date.now() + 10_000;
      while (!existsSync(socket) && Date.now() < givenUpAt)
        await new Promise((resolve) => setTimeout(resolve, 20));
    });
    afterAll(() => {
      rsyslog.kill();
    });

    it('is found again', async () => {
      await promisify(execFile)('logger', ['--socket', socket, '--tag', 'secret', '-p', 'auth.info', 'kept']);
      const [found] = await awaitLines(varve, '{app="secret"}', 1);
      expect(found?.line).toBe('kept');
      expect(found?.labels).toMatchObject({ host: 'box-7', facility: 'auth', severity: 'info' });
    });
  });
});

describe('syslog over TLS with an authority for senders', () => {
  let varve: Varve;
  beforeAll(async () => {
    varve = await startedWith(authority.cert);
  });
  afterAll(async () => {
    await varve.stop();
  });

  it('keeps the name in a certificate that the authority signed', async () => {
    (await connected(varve, client)).end('<13>known: hello\n');
    const [found] = await awaitLines(varve, '{app="known"}', 1);
    expect(found?.labels['peer_name']).toBe('edge-7');
  });

  it('sends a sender without one away', async () => {
    const socket = await connected(varve);
    socket.on('error', () => undefined);
    socket.write('<13>unknown: hello\n');
    await new Promise<void>((resolve) => {
      socket.on('close', () => {
        resolve();
      });
    });
    expect(await linesOf(varve, '{app="unknown"}')).toEqual([]);
  });
});
