import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';
import type { DeclaredHttp, Intake } from '../receiver.ts';
import { elasticsearchBelow, elasticsearchBulk } from './bulk.ts';

const unused = () => {
  throw new Error('not called by this receiver');
};

let declared: DeclaredHttp[];
let outcome: () => Promise<Receipt>;
let app: FastifyInstance;

beforeEach(() => {
  declared = [];
  const answer = Buffer.from('"errors":false,"items":[]');
  outcome = () =>
    Promise.resolve({
      accepted: 1,
      histograms: 0,
      exemplars: 0,
      refused: [],
      bodyBytes: 1,
      warnings: [],
      answer,
    });
  const intake: Intake = {
    http: async (_receiver, _request, said) => {
      declared.push(said);
      return await outcome();
    },
    message: unused,
    tenantOf: unused,
    retryAfterSeconds: 3,
    corsOrigins: [],
    log: { warn: unused, error: unused },
  };
  app = fastify();
  elasticsearchBelow.register(app, intake);
  app.register((scope, _options, done) => {
    elasticsearchBulk.register(scope, intake);
    done();
  });
});

afterEach(async () => {
  await app.close();
});

const ndjson = { 'content-type': 'application/x-ndjson; charset=utf-8' };
const product = { 'x-elastic-product': 'Elasticsearch' };
const post = async (url: string, headers: Readonly<Record<string, string>> = ndjson) =>
  await app.inject({ method: 'POST', url, headers, payload: '{}\n' });

describe('the bulk API of Elasticsearch', () => {
  it.each([
    ['/_bulk', undefined],
    ['/logs-shop/_bulk', 'logs-shop'],
    ['/elasticsearch/logs-shop/_bulk', 'logs-shop'],
  ])('answers POST %s for each of its items', async (url, target) => {
    const response = await post(url, { ...ndjson, 'content-encoding': 'gzip' });
    expect([response.statusCode, response.json()]).toEqual([
      200,
      { took: expect.any(Number) as unknown, errors: false, items: [] },
    ]);
    expect(response.headers).toMatchObject(product);
    expect(declared).toEqual([{ format: 'elasticBulk', encoding: 'gzip', target }]);
  });

  it.each([
    'application/json',
    'application/vnd.elasticsearch+x-ndjson; compatible-with=9',
    'application/vnd.elasticsearch+json; compatible-with=8',
  ])('takes %s', async (media) => {
    expect((await post('/_bulk', { 'content-type': media })).statusCode).toBe(200);
  });

  it.each([
    [{ 'content-type': 'text/plain' }, 415, 'Content-Type header [text/plain] is not supported'],
    [{ ...ndjson, 'content-encoding': 'br' }, 415, "content encoding 'br' is not gzip"],
  ])('refuses %j', async (headers, status, reason) => {
    const response = await post('/_bulk', headers);
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({
      status,
      error: { type: 'illegal_argument_exception', reason: expect.stringContaining(reason) as unknown },
    });
    expect(response.headers).toMatchObject(product);
  });

  it.each([
    ['RATE_EXCEEDED', 429, '3'],
    ['OVERLOADED', 503, '3'],
    ['BODY_TOO_LARGE', 413, undefined],
    ['UNAUTHENTICATED', 401, undefined],
  ] as const)('answers %s with %i, in its own form', async (code, status, retryAfter) => {
    outcome = () => Promise.reject(new IngestError(code, 'why'));
    const response = await post('/_bulk');
    expect([response.statusCode, response.headers['retry-after']]).toEqual([status, retryAfter]);
    expect(response.json()).toMatchObject({ status, error: { reason: 'why' } });
  });
});

describe('what clients of Elasticsearch ask before they send', () => {
  it.each([
    ['GET', '/'],
    ['HEAD', '/'],
    ['GET', '/_license'],
    ['GET', '/_cluster/health'],
    ['GET', '/_cat/indices'],
    ['GET', '/_index_template/filebeat'],
    ['HEAD', '/_index_template/filebeat'],
    ['PUT', '/_index_template/filebeat'],
    ['GET', '/_ilm/policy/filebeat'],
    ['PUT', '/_ilm/policy/filebeat'],
    ['PUT', '/_ingest/pipeline/filebeat'],
    ['GET', '/_data_stream/filebeat-8.19'],
    ['HEAD', '/logs-shop'],
    ['GET', '/elasticsearch/'],
  ] as const)('is answered: %s %s', async (method, url) => {
    const response = await app.inject({ method, url });
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject(product);
  });

  it('tells a version, by which they choose the form of what they send', async () => {
    expect((await app.inject({ url: '/' })).json()).toMatchObject({
      version: { number: expect.stringMatching(/^8\.\d+\.\d+$/) as unknown },
    });
  });
});
