import { Client } from '@elastic/elasticsearch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitLines } from '../support/loki.ts';
import { startProgram } from '../support/programs.ts';
import { snippetsOf } from '../support/snippets.ts';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
let client: Client;
beforeAll(async () => {
  varve = await startVarve();
  client = new Client({ node: `http://127.0.0.1:${varve.ports.elasticsearch}`, compression: true });
});
afterAll(async () => {
  await client.close();
  await varve.stop();
});

describe("Elasticsearch's client for JavaScript", () => {
  it('run as docs/senders.md says has its documents found, field by field', async () => {
    const [snippet = ''] = snippetsOf('Elasticsearch', 'js', varve.ports);
    const program = startProgram(process.execPath, ['--input-type=module', '--eval', snippet], '.');
    const found = await awaitLines(varve, '{index="logs-shop"}', 1);
    await program.ended;
    expect(program.output()).toBe('{ failed: 0, successful: 1 }\n');
    expect(found).toHaveLength(1);
    expect(found[0]?.line).toBe('payment declined');
    expect(found[0]?.labels).toMatchObject({
      job: 'elasticsearch',
      index: 'logs-shop',
      service_name: 'shop',
      severity_text: 'error',
      detected_level: 'error',
      order: 'A-17',
    });
    expect(Math.abs(Date.now() - Number(found[0]?.timeNs) / 1e6)).toBeLessThan(60_000);
  });

  it('has two thousand documents of its bulk helper found, each once', async () => {
    const messages = Array.from({ length: 2_000 }, (_, number) => `order ${number} stored`);
    const sent = await client.helpers.bulk({
      datasource: messages.map((message) => ({ message, service: { name: 'many' } })),
      onDocument: () => ({ create: { _index: 'logs-many' } }),
      flushBytes: 20_000,
      concurrency: 4,
    });
    expect(sent).toMatchObject({ total: 2_000, successful: 2_000, failed: 0, retry: 0 });
    const found = await awaitLines(varve, '{service_name="many"}', 2_000);
    expect(found.map(({ line }) => line).sort()).toEqual(messages.toSorted());
  });

  it('is told of each document that cannot be taken', async () => {
    const dropped: unknown[] = [];
    const sent = await client.helpers.bulk<{ message: string }>({
      datasource: [{ message: 'good' }, { message: 'gone' }],
      onDocument: ({ message }) =>
        message === 'good'
          ? { create: { _index: 'logs-mixed' } }
          : { delete: { _index: 'logs-mixed', _id: '1' } },
      onDrop: ({ status }) => dropped.push(status),
    });
    expect(sent).toMatchObject({ total: 2, failed: 1 });
    expect(dropped).toEqual([400]);
    expect((await awaitLines(varve, '{index="logs-mixed"}', 1)).map(({ line }) => line)).toEqual(['good']);
  });
});
