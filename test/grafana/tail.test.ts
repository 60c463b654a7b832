import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { pushLines } from '../support/loki-push.ts';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;

beforeAll(async () => {
  // Small memtables, so that lines move into segments while they are followed.
  varve = await startVarve({ settings: { 'view-memtable-max-age-ms': '1000' } });
});

afterAll(async () => {
  await varve.stop();
});

interface Frame {
  streams: { stream: Record<string, string>; values: [string, string, object?][] }[];
  encodingFlags?: string[];
}

/** Live mode of Explore: the browser's request as Grafana's proxy passes it on. */
async function live(query: string, parameters: Record<string, string> = {}) {
  const search = new URLSearchParams({ query, ...parameters }).toString();
  const client = new WebSocket(`ws://127.0.0.1:${varve.ports.loki}/loki/api/v1/tail?${search}`, {
    headers: { origin: 'http://grafana.example', 'x-loki-response-encoding-flags': 'categorize-labels' },
  });
  const frames: Frame[] = [];
  client.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as Frame));
  await once(client, 'open');
  const lines = () =>
    frames.flatMap(({ streams }) => streams.flatMap(({ values }) => values.map(([, line]) => line)));
  const until = async (count: number): Promise<void> => {
    while (lines().length < count) await once(client, 'message');
  };
  return { client, frames, lines, until };
}

describe('Live in Explore', () => {
  it('shows the newest lines, oldest first, then each new line once, over sealings', async () => {
    await pushLines(varve, { app: 'live' }, ['one', 'two', 'three']);
    const { client, frames, lines, until } = await live('{app="live"}', { limit: '2' });
    await until(2);
    expect(lines()).toEqual(['two', 'three']);
    expect(frames[0]).toMatchObject({ encodingFlags: ['categorize-labels'] });
    expect(frames[0]?.streams[0]?.values[0]?.[2]).toEqual({
      structuredMetadata: { detected_level: 'unknown' },
    });
    const sent: string[] = [];
    for (let request = 0; request < 20; request += 1) {
      const batch = Array.from({ length: 50 }, (_, at) => `line ${request * 50 + at}`);
      sent.push(...batch);
      await pushLines(varve, { app: 'live' }, batch);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await until(2 + sent.length);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(lines().slice(2).toSorted()).toEqual(sent.toSorted());
    client.close();
  });

  it('shows only what the pipeline keeps', async () => {
    const { client, lines, until } = await live('{app="filtered"} |= "error"');
    await pushLines(varve, { app: 'filtered' }, ['fine', 'an error']);
    await until(1);
    expect(lines()).toEqual(['an error']);
    client.close();
  });

  it('is refused for a metric query, in plain HTTP', async () => {
    const query = encodeURIComponent('rate({app="live"}[1m])');
    const client = new WebSocket(`ws://127.0.0.1:${varve.ports.loki}/loki/api/v1/tail?query=${query}`);
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(400);
  });

  it('ends with "going away" when Varve stops', async () => {
    const other = await startVarve();
    const client = new WebSocket(`ws://127.0.0.1:${other.ports.loki}/loki/api/v1/tail?query={app="live"}`);
    await once(client, 'open');
    const closed = once(client, 'close') as Promise<[number]>;
    expect(await other.stop()).toBe(0);
    expect((await closed)[0]).toBe(1_001);
  });
});
