import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitLines } from '../support/loki.ts';
import { indentedSnippetOf } from '../support/snippets.ts';
import { startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

// Debian's own programs, which test/receivers/install.sh installs.
const run = promisify(execFile);

let varve: Varve;
beforeAll(async () => {
  varve = await startVarve();
});
afterAll(async () => {
  await varve.stop();
});

describe('logger', () => {
  it('run as docs/receivers.md says is found again', async () => {
    await run('bash', ['--norc', '-euc', indentedSnippetOf('logger ', varve.ports)]);
    const found = await awaitLines(varve, '{job="syslog", app="deploy"} |= "rolled out"', 1);
    expect(found.map(({ line }) => line)).toEqual(['rolled out']);
  });

  const common = ['--server', '127.0.0.1', '--priority', 'local3.warning', '--tag', 'deploy'];

  it('sends RFC 5424 with structured data over TCP, counted', async () => {
    const port = ['--tcp', '--port', String(varve.ports.syslogTcp), '--octet-count'];
    const form = ['--rfc5424', '--id=4711', '--msgid', 'OUT3', '--sd-id', 'deploy@32473'];
    const data = ['--sd-param', 'env="prod"', '--sd-param', 'build="17"'];
    await run('logger', [...common, ...port, ...form, ...data, 'rolled out with data']);
    const [found] = await awaitLines(varve, '{app="deploy"} |= "with data"', 1);
    expect(found?.line).toBe('rolled out with data');
    expect(found?.labels).toMatchObject({
      job: 'syslog',
      host: (await run('uname', ['-n'])).stdout.trim(),
      app: 'deploy',
      facility: 'local3',
      severity: 'warning',
      detected_level: 'warn',
      procid: '4711',
      msgid: 'OUT3',
      sd_deploy_32473_env: 'prod',
      sd_deploy_32473_build: '17',
      peer_address: '127.0.0.1',
    });
  });

  it('sends RFC 3164 over TCP, ended by a line feed', async () => {
    const port = ['--tcp', '--port', String(varve.ports.syslogTcp)];
    await run('logger', [...common, ...port, '--rfc3164', '--id=4712', 'the old way']);
    const [found] = await awaitLines(varve, '{app="deploy"} |= "the old way"', 1);
    expect(found?.labels).toMatchObject({ severity: 'warning', procid: '4712' });
    expect(Math.abs(Date.now() - Number(found?.timeNs) / 1e6)).toBeLessThan(60_000);
  });

  it('sends RFC 3164 and RFC 5424 over UDP', async () => {
    const port = ['--udp', '--port', String(varve.ports.syslogUdp)];
    await run('logger', [...common, ...port, '--rfc3164', 'datagram, old']);
    await run('logger', [...common, ...port, '--rfc5424', 'datagram, new']);
    const found = await awaitLines(varve, '{app="deploy"} |= "datagram"', 2);
    expect(found.map(({ line }) => line).sort()).toEqual(['datagram, new', 'datagram, old']);
  });
});

/** An rsyslogd that takes lines at a socket and does with them what its configuration says. */
async function startRsyslog(rules: readonly string[]): Promise<{ rsyslog: ChildProcess; socket: string }> {
  const folder = temporaryFolder();
  const socket = join(folder, 'log');
  let errors = '';
  const head = [
    `global(workDirectory="${folder}" localHostname="box-7")`,
    'module(load="imuxsock" sysSock.use="off")',
    `input(type="imuxsock" socket="${socket}" useSpecialParser="off")`,
  ];
  writeFileSync(join(folder, 'rsyslog.conf'), [...head, ...rules, ''].join('\n'));
  const rsyslog = spawn('rsyslogd', ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')]);
  rsyslog.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const givenUpAt = Date.now() + 10_000;
  while (!existsSync(socket)) {
    if (Date.now() > givenUpAt) throw new Error(`rsyslogd did not start: ${errors}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { rsyslog, socket };
}

describe('rsyslog', () => {
  let rsyslog: ChildProcess;
  let socket: string;

  beforeAll(async () => {
    const forward = (program: string, protocol: string, port: number, rest: string) =>
      `if $programname == "${program}" then action(type="omfwd" target="127.0.0.1" ` +
      `port="${port}" protocol="${protocol}" ${rest})`;
    const { syslogTcp, syslogUdp } = varve.ports;
    ({ rsyslog, socket } = await startRsyslog([
      forward(
        'counted',
        'tcp',
        syslogTcp,
        'TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"',
      ),
      forward('lines', 'tcp', syslogTcp, 'template="RSYSLOG_TraditionalForwardFormat"'),
      forward('precise', 'tcp', syslogTcp, 'template="RSYSLOG_ForwardFormat"'),
      forward('datagrams', 'udp', syslogUdp, 'template="RSYSLOG_TraditionalForwardFormat"'),
    ]));
  });
  afterAll(() => {
    rsyslog.kill();
  });

  it.each(['counted', 'lines', 'precise', 'datagrams'])('forwards %s', async (tag) => {
    const lines = ['first', 'second', 'third'].map((word) => `${word} of ${tag}`);
    const common = ['--socket', socket, '--priority', 'cron.err', '--id=99', '--tag', tag];
    for (const line of lines) await run('logger', [...common, line]);
    const found = await awaitLines(varve, `{app="${tag}"}`, lines.length);
    expect(found.map(({ line }) => line).sort()).toEqual([...lines].sort());
    for (const { labels, timeNs } of found) {
      expect(labels).toMatchObject({
        host: 'box-7',
        facility: 'cron',
        severity: 'err',
        procid: '99',
        detected_level: 'error',
      });
      expect(Math.abs(Date.now() - Number(timeNs) / 1e6)).toBeLessThan(60_000);
    }
  });

  it('run as docs/receivers.md says is found again', async () => {
    const copied = await startRsyslog([indentedSnippetOf('*.* action', varve.ports)]);
    const line = ['--priority', 'mail.info', '--tag', 'postfix', 'queued as 4F2'];
    await run('logger', ['--socket', copied.socket, ...line]);
    const found = await awaitLines(varve, '{app="postfix"}', 1);
    expect(found.map((each) => each.line)).toEqual(['queued as 4F2']);
    expect(found[0]?.labels).toMatchObject({ host: 'box-7', facility: 'mail', severity: 'info' });
    copied.rsyslog.kill();
  });
});
