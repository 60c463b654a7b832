import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitLines, linesOf } from '../support/loki.ts';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
beforeAll(async () => {
  varve = await startVarve({ settings: { 'ingest-syslog-time-zone': 'UTC' } });
});
afterAll(async () => {
  await varve.stop();
});

async function connected(): Promise<Socket> {
  const socket = connect(varve.ports.syslogTcp, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function sendDatagram(text: string): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.send(text, varve.ports.syslogUdp, '127.0.0.1', (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  socket.close();
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${varve.ports.all}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('syslog over TCP', () => {
  it('gives back every field of RFC 5424', async () => {
    const at = new Date(Date.now() - 60_000);
    const socket = await connected();
    const data = '[origin@32473 ip="10.0.0.1" note="a \\"b\\" \\] \\\\"]';
    socket.end(`<83>1 ${at.toISOString()} web-1 login 8710 AUTH7 ${data} \u{feff}door opened\n`);
    const [found] = await awaitLines(varve, '{app="login"}', 1);
    expect(found).toEqual({
      line: 'door opened',
      timeNs: `${at.getTime()}000000`,
      labels: {
        job: 'syslog',
        host: 'web-1',
        app: 'login',
        service_name: 'login',
        facility: 'authpriv',
        severity: 'err',
        detected_level: 'error',
        procid: '8710',
        msgid: 'AUTH7',
        peer_address: '127.0.0.1',
        sd_origin_32473_ip: '10.0.0.1',
        sd_origin_32473_note: 'a "b" ] \\',
      },
    });
  });

  it('takes both framings in one connection, in pieces of any size', async () => {
    const socket = await connected();
    const counted = '<13>1 - h pieces - - - two\nlines';
    const stream = `<13>h pieces: no\n<13>pieces: one\n${counted.length} ${counted}<13>pieces: three\n`;
    for (const character of stream) socket.write(character);
    socket.end();
    const found = await awaitLines(varve, '{app="pieces"}', 3);
    expect(found.map(({ line }) => line).sort()).toEqual(['one', 'three', 'two\nlines']);
  });

  it('keeps lines in their order of arrival', async () => {
    const socket = await connected();
    const lines = Array.from({ length: 2_000 }, (_, index) => `line ${index}`);
    const time = new Date().toISOString();
    socket.end(lines.map((line) => `<13>1 ${time} h ordered - - - ${line}\n`).join(''));
    const found = await awaitLines(varve, '{app="ordered"}', lines.length);
    expect(found.map(({ line }) => line)).toEqual(lines);
  });

  it('keeps what it cannot parse whole, and says so', async () => {
    const socket = await connected();
    socket.end('<999>not <syslog> at all\n');
    const [found] = await awaitLines(varve, '{syslog_parse="failed"}', 1);
    expect(found?.line).toBe('<999>not <syslog> at all');
  });

  it('cuts a message over the limit, says so, and reads on', async () => {
    const socket = await connected();
    socket.end(`<13>cut: ${'x'.repeat(100_000)}\n<13>cut: next\n`);
    const found = await awaitLines(varve, '{app="cut"}', 2);
    const told = found.map(({ line, labels }) => [line.length, labels['truncated']]);
    expect(told.sort()).toEqual(
      [
        [4, undefined],
        [65_536 - '<13>cut: '.length, 'true'],
      ].sort(),
    );
  });

  it('stores a message that has a wrong clock at the time it came', async () => {
    const socket = await connected();
    socket.end('<13>1 2199-01-01T00:00:00Z h ahead - - - later\n');
    const [found] = await awaitLines(varve, '{app="ahead"}', 1);
    expect(found?.labels['sent_at']).toBe('2199-01-01T00:00:00Z');
    expect(Math.abs(Date.now() - Number(found?.timeNs) / 1e6)).toBeLessThan(60_000);
  });

  it('stores the same line as often as it was sent', async () => {
    const line = `<13>1 ${new Date().toISOString()} h twice - - - same\n`;
    for (let sent = 0; sent < 3; sent++) (await connected()).end(line);
    expect(await awaitLines(varve, '{app="twice"}', 3)).toHaveLength(3);
  });
});

describe('syslog over UDP', () => {
  it('takes each datagram as a message', async () => {
    const stamp = /(\w{3}), (\d\d) (\w{3}) \d{4} (\S+)/.exec(new Date().toUTCString());
    const time = `${stamp?.[3] ?? ''} ${stamp?.[2] ?? ''} ${stamp?.[4] ?? ''}`;
    await sendDatagram(`<38>${time} router datagram[7]: one\nstill one\n`);
    const [found] = await awaitLines(varve, '{app="datagram"}', 1);
    expect(found?.line).toBe('one\nstill one');
    expect(Math.abs(Date.now() - Number(found?.timeNs) / 1e6)).toBeLessThan(60_000);
    expect(found?.labels).toMatchObject({
      host: 'router',
      procid: '7',
      facility: 'auth',
      severity: 'info',
      peer_address: '127.0.0.1',
    });
  });

  it('takes the address for the host of a message that names none', async () => {
    await sendDatagram('<13>nameless: x');
    const [found] = await awaitLines(varve, '{app="nameless"}', 1);
    expect(found?.labels['host']).toBe('127.0.0.1');
  });

  it('counts its datagrams among the metrics', async () => {
    expect(await metric('varve_syslog_datagrams_total')).toBeGreaterThan(0);
    expect(await metric('varve_syslog_dropped_datagrams_total')).toBe(0);
  });
});

describe('a node that stops', () => {
  it('stores what senders had sent', async () => {
    const other = await startVarve();
    const socket = connect(other.ports.syslogTcp, '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    socket.write('<13>1 - h stopping - - - before\n<13>1 - h stopping - - - half');
    const udp = createSocket('udp4');
    udp.send('<13>1 - h stopping - - - datagram', other.ports.syslogUdp, '127.0.0.1');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await other.stop()).toBe(0);
    udp.close();
    const again = await startVarve({ dataDir: other.dataDir });
    const found = await linesOf(again, '{app="stopping"}');
    expect(found.map(({ line }) => line).sort()).toEqual(['before', 'datagram', 'half']);
    await again.stop();
  });
});
