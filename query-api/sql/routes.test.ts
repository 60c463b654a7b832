import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { QueryTextError } from '../../search/index.ts';
import { VarveError } from '../../storage/index.ts';
import { FakeSearch, serverOver, testStats } from '../fake-search.ts';

interface Sent {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string;
}

async function sent(search: FakeSearch, { url = '/api/sql', headers = {}, payload = 'SELECT 1' }: Sent) {
  const app: FastifyInstance = await serverOver(search);
  return await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'text/plain', ...headers },
    payload,
  });
}

const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

describe('a statement', () => {
  it.each([
    ['as the body', { payload: 'SELECT 1' }],
    ['as a body of its own type', { headers: { 'content-type': 'application/sql' } }],
    ['in JSON', { headers: json, payload: '{"query":"SELECT 1"}' }],
    ['as curl sends it', { headers: form, payload: 'SELECT 1' }],
    ['in a form', { headers: form, payload: 'query=SELECT+1' }],
    ['in the URL', { url: '/api/sql?query=SELECT%201', payload: '' }],
  ] satisfies [string, Sent][])('is read %s', async (_where, request) => {
    const search = new FakeSearch();
    const { statusCode } = await sent(search, request);
    expect([statusCode, search.statements]).toEqual([
      200,
      [
        expect.objectContaining({
          statement: 'SELECT 1',
          format: 'json',
          rowsMax: 1_000,
          tenants: ['anonymous'],
        }),
      ],
    ]);
  });

  it.each([
    [{ payload: ' ' }, 'there is no statement'],
    [{ headers: json, payload: '{"query"' }, 'the body is not JSON'],
    [{ headers: json, payload: '[]' }, 'there is no statement'],
    [{ headers: json, payload: '1' }, 'the body is JSON, but not an object'],
    [{ headers: json, payload: '{"query":1}' }, '"query" in the body is not a text'],
  ] satisfies [Sent, string][])('that cannot be read is refused: %j', async (request, message) => {
    const { statusCode, body } = await sent(new FakeSearch(), request);
    expect([statusCode, body]).toEqual([400, expect.stringContaining(JSON.stringify(message).slice(1, -1))]);
  });

  it('is only taken by POST', async () => {
    const app = await serverOver(new FakeSearch());
    expect((await app.inject('/api/sql?query=SELECT%201')).statusCode).toBe(404);
  });
});

describe('the format', () => {
  it.each([
    ['format=csv', undefined, 'csv', 'text/csv; charset=utf-8'],
    ['format=arrow', 'text/csv', 'arrow', 'application/vnd.apache.arrow.stream'],
    ['', 'text/csv', 'csv', 'text/csv; charset=utf-8'],
    [
      '',
      'text/csv;q=0.5, application/vnd.apache.arrow.stream',
      'arrow',
      'application/vnd.apache.arrow.stream',
    ],
    ['', 'text/html, */*;q=0.1', 'json', 'application/json'],
    ['', undefined, 'json', 'application/json'],
  ])('of %j with Accept %j is %s', async (parameters, accept, format, type) => {
    const search = new FakeSearch();
    const headers = accept === undefined ? {} : { accept };
    const answer = await sent(search, { url: `/api/sql?${parameters}`, headers });
    expect([search.statements[0]?.format, answer.headers['content-type']]).toEqual([format, type]);
  });

  it('that there is not is refused', async () => {
    const named = await sent(new FakeSearch(), { url: '/api/sql?format=xml' });
    expect([named.statusCode, named.body]).toEqual([400, expect.stringContaining('json, csv or arrow')]);
    expect((await sent(new FakeSearch(), { headers: { accept: 'text/html' } })).statusCode).toBe(406);
  });
});

describe('an answer', () => {
  it('has its warnings in a header, where its format has no place for them', async () => {
    const search = new FakeSearch();
    search.sqlAnswer = () =>
      Promise.resolve({ body: Buffer.from('a\n'), warnings: ['cut – there is more'], stats: testStats });
    const { headers } = await sent(search, { url: '/api/sql?format=csv' });
    expect(headers['x-varve-warnings']).toBe('["cut \\u2013 there is more"]');
  });

  it.each([
    [
      new QueryTextError('sql', { line: 2, column: 3 }, 'no such column'),
      400,
      { code: 'QUERY_INVALID', message: 'no such column', line: 2, column: 3 },
    ],
    [new VarveError('QUERY_BUDGET', 'too much'), 422, { code: 'QUERY_BUDGET', message: 'too much' }],
    [new VarveError('QUERY_TIMEOUT', 'too long'), 504, { code: 'QUERY_TIMEOUT', message: 'too long' }],
    [
      new VarveError('INTERNAL', 'secret'),
      500,
      { code: 'INTERNAL', message: "internal error; Varve's log tells more" },
    ],
  ])('is an error with its code: %s', async (error, status, told) => {
    const search = new FakeSearch();
    search.sqlAnswer = () => Promise.reject(error);
    const { statusCode, body } = await sent(search, {});
    expect([statusCode, JSON.parse(body)]).toEqual([status, { error: told }]);
  });

  it('needs the name of a tenant that can be one', async () => {
    const { statusCode, body } = await sent(new FakeSearch(), { headers: { 'x-scope-orgid': 'a/b' } });
    expect([statusCode, JSON.parse(body)]).toEqual([
      400,
      { error: expect.objectContaining({ code: 'TENANT_INVALID' }) as unknown },
    ]);
  });
});
