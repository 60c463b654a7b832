import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { lineFacts, logLine } from '../log-lines.ts';
import { Random } from '../random.ts';

const apps = ['nginx', 'shop', 'payment', 'sshd', 'cron'] as const;

/** RFC 5424 with structured data, of about 280 bytes. */
export function syslogMessages(count: number, seed: number): Buffer[] {
  const random = new Random(seed);
  const startedMs = Date.now() - 60_000;
  return Array.from({ length: count }, (_, index) => {
    const timeMs = startedMs + Math.floor(index / 10);
    const line = logLine(lineFacts(random, timeMs), random);
    const head = `<${8 * (16 + random.below(8)) + random.below(8)}>1 ${new Date(timeMs).toISOString()}`;
    const data = `[origin@32473 region="eu-1" seq="${index}"]`;
    const place = `web-${random.below(20)} ${random.pick(apps)} ${random.below(30_000)}`;
    return Buffer.from(`${head} ${place} - ${data} ${line}`);
  });
}

/** One connection's bytes, each message with its length before it. */
export function counted(messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.from(`${message.length} `), message]));
}

/** Sends what each connection has, as fast as it is read, and resolves when all are closed. */
export async function sendStreams(port: number, streams: readonly Buffer[]): Promise<void> {
  await Promise.all(
    streams.map(async (stream) => {
      const socket = connect(port, '127.0.0.1');
      socket.end(stream);
      socket.resume();
      await once(socket, 'close');
    }),
  );
}

const burst = 100;

/**
 * Sends each message as a datagram, `perSecond` of them. Nobody says when they come too fast, so that what
 * is lost must be counted.
 */
export async function sendDatagrams(
  port: number,
  messages: readonly Buffer[],
  perSecond: number,
): Promise<void> {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const startedAt = performance.now();
  for (let from = 0; from < messages.length; from += burst) {
    const some = messages.slice(from, from + burst);
    await Promise.all(
      some.map(async (message) => {
        await new Promise<void>((resolve, reject) => {
          socket.send(message, (error) => {
            if (error === null) resolve();
            else reject(error);
          });
        });
      }),
    );
    const dueMs = ((from + some.length) * 1_000) / perSecond;
    const earlyMs = dueMs - (performance.now() - startedAt);
    if (earlyMs > 1) await new Promise((resolve) => setTimeout(resolve, earlyMs));
  }
  socket.close();
}
