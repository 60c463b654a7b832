import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { onPorts, snippetsOf } from '../support/snippets.ts';
import { startVarve, type Varve } from '../support/varve.ts';
import { get, postForm } from './requests.ts';

let varve: Varve;

beforeAll(async () => {
  varve = await startVarve();
});

afterAll(async () => {
  await varve.stop();
});

/** One address may stand in all three datasources, so each test button must work on both kinds of ports. */
describe.each([
  ['its own port', ({ ports }: Varve) => ports],
  [
    'the port of everything',
    ({ ports }: Varve) => ({ loki: ports.all, tempo: ports.all, prometheus: ports.all }),
  ],
])('the test button, on %s', (_name, portsOf) => {
  it('of Loki gets a vector with one element of value 2', async () => {
    const answer = await get(
      portsOf(varve).loki,
      '/loki/api/v1/query',
      { direction: 'backward', query: 'vector(1)+vector(1)', time: '4000000000' },
      { 'x-loki-response-encoding-flags': 'categorize-labels' },
    );
    expect([answer.status, answer.type.toLowerCase()]).toEqual([200, 'application/json; charset=utf-8']);
    expect(answer.json()).toMatchObject({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: {}, value: [4_000_000_000, '2'] }] },
    });
  });

  it('of Tempo gets an echo', async () => {
    const answer = await get(portsOf(varve).tempo, '/api/echo');
    expect([answer.status, answer.text.trim()]).toEqual([200, 'echo']);
  });

  it('of Prometheus gets 2 at the fourth second, and a version without features', async () => {
    const { prometheus } = portsOf(varve);
    const answer = await postForm(prometheus, '/api/v1/query', { query: '1+1', time: '4' });
    expect([answer.status, answer.type]).toEqual([200, 'application/json']);
    expect(answer.json()).toEqual({
      status: 'success',
      data: { resultType: 'scalar', result: [4, '2'] },
    });
    const build = (await get(prometheus, '/api/v1/status/buildinfo')).json() as {
      data: Record<string, unknown>;
    };
    expect(build.data['version']).toMatch(/^\d+\.\d+\.\d+$/);
    // With any, Grafana takes the server for Mimir.
    expect(build.data).not.toHaveProperty('features');
  });
});

describe('data sources that people copy', () => {
  /** The request of each type's test button. */
  const tested: Readonly<Record<string, string>> = {
    loki: '/loki/api/v1/query?query=vector(1)%2Bvector(1)&time=4000000000',
    tempo: '/api/echo',
    prometheus: '/api/v1/query?query=1%2B1&time=4',
  };

  it.each([
    [
      'docs/readers.md',
      ({ ports }: Varve) => snippetsOf('Grafana', 'yaml', ports, 'docs/readers.md').join('\n'),
    ],
    [
      'dashboards/grafana/datasources.yaml',
      ({ ports }: Varve) => onPorts(readFileSync('dashboards/grafana/datasources.yaml', 'utf8'), ports),
    ],
  ])('from %s pass their tests', async (_file, textOf) => {
    const { datasources } = parse(textOf(varve)) as { datasources: { type: string; url: string }[] };
    expect(datasources.map(({ type }) => type)).toEqual(['loki', 'tempo', 'prometheus']);
    for (const { type, url } of datasources) {
      const response = await fetch(`${url}${tested[type] ?? ''}`);
      expect([type, response.status]).toEqual([type, 200]);
    }
  });
});
