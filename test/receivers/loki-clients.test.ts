import pino from 'pino';
import { pinoLoki } from 'pino-loki';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import winston from 'winston';
import LokiTransport from 'winston-loki';
import { awaitLines, linesOf } from '../support/loki.ts';
import { startProgram } from '../support/programs.ts';
import { snippetsOf } from '../support/snippets.ts';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
beforeAll(async () => {
  varve = await startVarve();
});
afterAll(async () => {
  await varve.stop();
});

/** Runs a snippet of docs/senders.md as its reader does, until what it sends is found. */
async function foundOfSnippet(heading: string, query: string) {
  const [snippet = ''] = snippetsOf(heading, 'js', varve.ports);
  const program = startProgram(process.execPath, ['--input-type=module', '--eval', snippet], '.');
  try {
    return await awaitLines(varve, query, 1);
  } finally {
    await program.stop();
    expect(program.output()).toBe('');
  }
}

const host = () => `http://127.0.0.1:${varve.ports.loki}`;
const aMinute = 60_000;

describe('pino-loki, which sends JSON', () => {
  it('run as docs/senders.md says is found again, field by field', async () => {
    const found = await foundOfSnippet('pino', '{app="shop"}');
    expect(found).toHaveLength(1);
    expect(JSON.parse(found[0]?.line ?? '')).toMatchObject({ attempt: 3, msg: 'payment declined' });
    expect(found[0]?.labels).toEqual({
      app: 'shop',
      service_name: 'shop',
      level: 'error',
      detected_level: 'error',
      order: 'A-17',
    });
    expect(Math.abs(Date.now() - Number(found[0]?.timeNs) / 1e6)).toBeLessThan(aMinute);
  });

  it('has a thousand lines found, each once and in their order', async () => {
    const stream = pinoLoki({ host: host(), labels: { app: 'many' }, batching: { interval: 0.2 } });
    const logger = pino({ base: null }, stream);
    for (let number = 0; number < 1_000; number++) logger.info({ number }, 'order stored');
    const found = await awaitLines(varve, '{app="many", level="info"} | json', 1_000);
    expect(found.map(({ labels }) => labels['number'])).toEqual(
      Array.from({ length: 1_000 }, (_, number) => String(number)),
    );
    stream.end();
  });
});

describe('winston-loki, which sends protobuf', () => {
  it('run as docs/senders.md says is found again, field by field', async () => {
    const found = await foundOfSnippet('winston', '{app="checkout"}');
    expect(found).toHaveLength(1);
    expect(JSON.parse(found[0]?.line ?? '')).toEqual({
      attempt: 3,
      level: 'error',
      message: 'payment declined',
    });
    expect(found[0]?.labels).toMatchObject({
      app: 'checkout',
      service_name: 'checkout',
      level: 'error',
      detected_level: 'error',
    });
    expect(Math.abs(Date.now() - Number(found[0]?.timeNs) / 1e6)).toBeLessThan(aMinute);
  });

  it.each([
    ['protobuf', false],
    ['JSON', true],
  ])('has a thousand lines in %s found, each once', async (app, json) => {
    const format = winston.format.printf(({ message }) => String(message));
    const transport = new LokiTransport({ host: host(), labels: { app }, interval: 1, json, format });
    const logger = winston.createLogger();
    logger.pipe(transport);
    const lines = Array.from({ length: 1_000 }, (_, number) => `order ${number} stored`);
    for (const line of lines) logger.warn(line);
    await transport.flush();
    const found = await linesOf(varve, `{app="${app}", level="warn"}`);
    expect(found.map(({ line }) => line).sort()).toEqual(lines.toSorted());
    await transport.close();
  });
});
