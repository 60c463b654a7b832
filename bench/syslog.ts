import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { startVarve, type Varve } from '../test/support/varve.ts';
import { lineFacts, logLine } from './log-lines.ts';
import { Random } from './random.ts';
import { pause } from './send.ts';
import { usageOf } from './server-process.ts';

// `npm run bench:syslog -- --messages 1000000 --connections 4`: RFC 5424 over TCP, counted, as fast as it is read.
const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '600000' },
    connections: { type: 'string', default: '4' },
  },
});
const connections = Number(values.connections);
const perConnection = Math.ceil(Number(values.messages) / connections);
const apps = ['nginx', 'shop', 'payment', 'sshd', 'cron'] as const;

/** One connection's bytes. */
function streamOf(seed: number): Buffer {
  const random = new Random(seed);
  const startedMs = Date.now() - 60_000;
  const parts: string[] = [];
  for (let index = 0; index < perConnection; index++) {
    const timeMs = startedMs + Math.floor(index / 10);
    const line = logLine(lineFacts(random, timeMs), random);
    const head = `<${8 * (16 + random.below(8)) + random.below(8)}>1 ${new Date(timeMs).toISOString()}`;
    const data = `[origin@32473 region="eu-1" seq="${index}"]`;
    const message = `${head} web-${random.below(20)} ${random.pick(apps)} ${random.below(30_000)} - ${data} ${line}`;
    parts.push(`${Buffer.byteLength(message)} ${message}`);
  }
  return Buffer.from(parts.join(''));
}

async function send(varve: Varve, stream: Buffer): Promise<void> {
  const socket = connect(varve.ports.syslogTcp, '127.0.0.1');
  socket.end(stream);
  socket.resume();
  await once(socket, 'close');
}

async function stored({ ports }: Varve): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports.all}/metrics`)).text();
  const name = 'varve_ingest_accepted_records_total{receiver="syslogTcp"}';
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.slice(name.length) ?? 0,
  );
}

const streams = Array.from({ length: connections }, (_, index) => streamOf(index + 1));
const wanted = perConnection * connections;
const varve = await startVarve({ settings: { 'telemetry-log-level': 'warn' } });
const before = usageOf(varve.pid);
const startedAt = performance.now();
await Promise.all(
  streams.map(async (stream) => {
    await send(varve, stream);
  }),
);
while ((await stored(varve)) < wanted) await pause(10);
const seconds = (performance.now() - startedAt) / 1_000;
const after = usageOf(varve.pid);
const bytes = streams.reduce((sum, stream) => sum + stream.length, 0);
const cpuSeconds = (after.cpuSeconds ?? NaN) - (before.cpuSeconds ?? NaN);
const figures = {
  messages: wanted,
  bytesPerMessage: Math.round(bytes / wanted),
  messagesPerSecond: Math.round(wanted / seconds),
  messagesPerCpuSecond: Math.round(wanted / cpuSeconds),
  peakRssMiB: Math.round((after.peakRssBytes ?? NaN) / 2 ** 20),
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
await varve.stop();
