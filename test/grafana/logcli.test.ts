import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pushLines } from '../support/loki-push.ts';
import { goProgram, startProgram } from '../support/programs.ts';
import { snippetsOf } from '../support/snippets.ts';
import { getJson, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';
import { type Checkout, sendCheckout } from './checkout.ts';
import { sendShop } from './shop.ts';

const run = promisify(execFile);
// Its build is too long for each run of CI: who has none leaves these tests out.
const isInstalled = existsSync(goProgram('logcli'));

let varve: Varve;
let checkout: Checkout;
let between: string[];

/** What it writes to standard output and error; fails where it ends with another status than 0. */
async function logcli(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const address = `http://127.0.0.1:${varve.ports.loki}`;
  return await run(goProgram('logcli'), ['--timezone', 'UTC', '--addr', address, ...args], {
    env: {},
    maxBuffer: 16 * 1024 * 1024,
  });
}

const told = async (...args: string[]) => (await logcli('--quiet', ...args)).stdout;
const toldLines = async (...args: string[]) =>
  (await told(...args)).split('\n').filter((line) => line !== '');
const selector = '{service_name="checkout"}';
const iso = (ms: number) => new Date(ms).toISOString();

describe.runIf(isInstalled)('logcli', () => {
  beforeAll(async () => {
    varve = await startVarve();
    checkout = await sendCheckout(varve.ports);
    between = ['--from', iso(checkout.startMs - 60_000), '--to', iso(checkout.endMs)];
  });
  afterAll(async () => {
    expect(await varve.stop()).toBe(0);
  });

  it('run as docs/readers.md says finds what was sent', async () => {
    await sendShop(varve.ports);
    const [snippet = ''] = snippetsOf('logcli', 'sh', varve.ports, 'docs/readers.md');
    const path = `${dirname(goProgram('logcli'))}:${process.env['PATH'] ?? ''}`;
    const { stdout } = await run('bash', ['--norc', '-euc', snippet], { env: { PATH: path } });
    expect(stdout.match(/msg="payment declined" status=502 number=\d/g)).toHaveLength(4);
    for (const answer of ['"detected_level": "error"', '\nweb\n', 'service_instance_id="shop-1"', 'streams'])
      expect(stdout).toContain(answer);
  });

  describe('query', () => {
    const query = (...args: string[]) => toldLines('query', ...between, ...args);

    it('prints the newest lines first, with time and labels', async () => {
      const lines = await query('--limit', '2', selector);
      expect(lines).toHaveLength(2);
      expect(lines[0]).toContain(`${iso(checkout.startMs + 33_000).replace('.000Z', 'Z')} {`);
      expect(lines[0]).toContain('trace_id="trace-9"');
      expect(lines[0]).toContain('size=4KB msg="order A-3 declined (card)"');
      expect(lines[1]).toContain('msg="order A-2 declined (card)"');
    });

    it('prints the oldest first with --forward, as JSON with every label', async () => {
      const [first] = await query(
        '--forward',
        '--limit',
        '1',
        '--output',
        'jsonl',
        '--include-common-labels',
        selector,
      );
      expect(JSON.parse(first ?? '')).toEqual({
        timestamp: iso(checkout.startMs).replace('.000Z', 'Z'),
        line: expect.stringContaining('"took":"10ms"') as unknown,
        labels: {
          agent: 'curl/8.5',
          detected_level: 'info',
          namespace: 'prod',
          pod: 'checkout-1',
          service_name: 'checkout',
          trace_id: 'trace-0',
        },
      });
    });

    it('prints labels that the query parses', async () => {
      const lines = await query('--output', 'jsonl', `${selector} | logfmt | status=502 | took>2s`);
      const labels = lines.map((line) => (JSON.parse(line) as { labels: Record<string, string> }).labels);
      expect(labels.map(({ took, size }) => [took, size])).toEqual([
        ['4s', '4KB'],
        ['3s', '3KB'],
      ]);
    });

    it('prints a matrix for a metric query, at the step that is asked for', async () => {
      const args = ['query', '--from', iso(checkout.startMs), '--to', iso(checkout.endMs), '--step', '1m'];
      const counts = `sum by (pod) (count_over_time(${selector}[1m]))`;
      const first = checkout.startMs / 1_000;
      expect(JSON.parse(await told(...args, counts))).toEqual([
        {
          metric: { pod: 'checkout-1' },
          values: [
            [first, '1'],
            [first + 60, '5'],
          ],
        },
        { metric: { pod: 'checkout-2' }, values: [[first + 60, '4']] },
      ]);
    });

    it('prints the statistics of the query beside it', async () => {
      const { stderr } = await logcli('query', '--stats', ...between, selector);
      expect(stderr).toMatch(/Summary\.TotalLinesProcessed\s+10\b/);
      expect(stderr).toMatch(/Summary\.ExecTime/);
    });

    it('ends with the reason of a query that is refused', async () => {
      await expect(logcli('query', '{service_name="checkout"')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining(
          'parse error at line 1, col 25: syntax error: unexpected $end',
        ) as unknown,
      });
    });

    it('takes compressed answers', async () => {
      expect(await toldLines('--compress', 'query', ...between, selector)).toHaveLength(10);
    });
  });

  describe('pages of a long answer', () => {
    const sent = Array.from({ length: 2_500 }, (_, index) => `page line ${index}`);
    const page = (...args: string[]) => toldLines('query', '--output', 'raw', ...args, '{app="pages"}');

    beforeAll(async () => {
      await pushLines(varve, { app: 'pages' }, sent.slice(0, 1_300));
      await pushLines(varve, { app: 'pages' }, sent.slice(1_300));
    });

    it('are each line once, forward', async () => {
      expect(await page('--forward', '--limit', '0', '--batch', '700')).toEqual(sent);
    });

    it('are each line once, backward', async () => {
      expect(await page('--limit', '0', '--batch', '999')).toEqual(sent.toReversed());
    });

    it('end at the limit', async () => {
      const newest = sent.toReversed().slice(0, 1_234);
      expect(await page('--limit', '1234', '--batch', '500')).toEqual(newest);
      expect(await page('--limit', '7', '--forward')).toEqual(sent.slice(0, 7));
    });

    it('are each line once where lines share their times across pages', async () => {
      const times = Array.from({ length: 120 }, (_, index) => ({
        time: `${checkout.startMs + Math.floor(index / 5)}000000`,
        line: `shared ${index}`,
      }));
      const streams = ['a', 'b'].map((pod, at) => ({
        stream: { app: 'shared', pod },
        values: times.filter((_, index) => index % 2 === at).map(({ time, line }) => [time, line]),
      }));
      const response = await fetch(`http://127.0.0.1:${varve.ports.loki}/loki/api/v1/push`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ streams }),
      });
      expect(response.status).toBe(204);
      for (const direction of [['--forward'], []]) {
        const args = ['query', '--output', 'raw', ...between, '--limit', '0', '--batch', '17', ...direction];
        const lines = await toldLines(...args, '{app="shared"}');
        expect(lines.toSorted()).toEqual(times.map(({ line }) => line).toSorted());
      }
    });

    it('are fetched side by side, and merged', async () => {
      const to = Date.now() + 60_000;
      const lines = await page(
        '--forward',
        ...[
          '--from',
          iso(to - 600_000),
          '--to',
          iso(to),
          '--parallel-duration',
          '1m',
          '--parallel-max-workers',
          '4',
        ],
        ...['--part-path-prefix', `${temporaryFolder()}/part`, '--merge-parts'],
      );
      expect(lines).toEqual(sent);
    });
  });

  it('instant-query prints a vector', async () => {
    const query = `sum by (pod) (count_over_time(${selector}[5m]))`;
    const answer = await told('instant-query', '--now', iso(checkout.endMs), query);
    expect(JSON.parse(answer)).toEqual([
      { metric: { pod: 'checkout-1' }, value: [checkout.endMs / 1_000, '6'] },
      { metric: { pod: 'checkout-2' }, value: [checkout.endMs / 1_000, '4'] },
    ]);
  });

  it('labels prints names and values', async () => {
    expect(await toldLines('labels', ...between)).toEqual(
      expect.arrayContaining(['namespace', 'pod', 'service_name']),
    );
    expect(await toldLines('labels', ...between, 'pod')).toEqual(
      expect.arrayContaining(['checkout-1', 'checkout-2']),
    );
  });

  it('series prints streams, and what their labels are', async () => {
    expect((await toldLines('series', ...between, selector)).toSorted()).toEqual([
      '{namespace="prod", pod="checkout-1", service_name="checkout"}',
      '{namespace="prod", pod="checkout-2", service_name="checkout"}',
    ]);
    const analysed = await told('series', ...between, '--analyze-labels', selector);
    expect(analysed).toMatch(/Total Streams: +2\n/);
    expect(analysed).toMatch(/pod +2 +2\n/);
  });

  it('stats prints how much a selector holds', async () => {
    const stats = await told('stats', ...between, selector);
    expect(stats).toMatch(/streams: 2\n/);
    expect(stats).toMatch(/entries: 10\n/);
    expect(stats).toMatch(/bytes: \d+ ?B\n/);
  });

  describe('volume', () => {
    it('prints bytes by stream, by chosen labels and by the names of labels', async () => {
      const volume = async (...args: string[]) =>
        JSON.parse(await told('volume', ...between, ...args, selector)) as {
          metric: Record<string, string>;
          value: [number, string];
        }[];
      expect((await volume()).map(({ metric }) => metric)).toEqual([{ service_name: 'checkout' }]);
      const pods = await volume('--targetLabels', 'pod');
      expect(pods.map(({ metric }) => metric)).toEqual([{ pod: 'checkout-1' }, { pod: 'checkout-2' }]);
      const whole = pods.reduce((sum, { value }) => sum + Number(value[1]), 0);
      const names = await volume('--aggregateByLabels');
      expect(names.map(({ metric, value }) => [Object.keys(metric).join(), Number(value[1])])).toEqual([
        ['namespace', whole],
        ['pod', whole],
        ['service_name', whole],
      ]);
    });

    it('over time prints a matrix', async () => {
      const matrix = JSON.parse(
        await told('volume_range', ...between, '--step', '1m', '--targetLabels', 'pod', selector),
      ) as { metric: Record<string, string>; values: [number, string][] }[];
      expect(matrix.map(({ metric, values }) => [metric, values.length])).toEqual([
        [{ pod: 'checkout-1' }, 1],
        [{ pod: 'checkout-2' }, 1],
      ]);
    });
  });

  it('detected-fields prints fields with their types, and the values of one', async () => {
    const fields = await told('detected-fields', ...between, selector);
    expect(fields).toMatch(/label: took\t+type: duration\t+cardinality: 10/);
    expect(fields).toMatch(/label: size\t+type: bytes\t+cardinality: 4/);
    expect(fields).toMatch(/label: trace_id\t+type: string\t+cardinality: 10/);
    expect(await toldLines('detected-fields', ...between, selector, 'status')).toEqual(['200', '502']);
  });

  it('--tail prints the newest lines, then each new one, until it is stopped', async () => {
    await pushLines(varve, { app: 'tailed' }, ['one', 'two', 'three']);
    const address = `http://127.0.0.1:${varve.ports.loki}`;
    const args = ['--addr', address, '--quiet', 'query', '--tail', '--limit', '2', '--output', 'raw'];
    const tail = startProgram(goProgram('logcli'), [...args, '{app="tailed"} != "noise"'], '.');
    const lines = () => tail.output().trim().split('\n');
    await vi.waitFor(() => {
      expect(lines()).toEqual(['two', 'three']);
    }, 10_000);
    await pushLines(varve, { app: 'tailed' }, ['noise', 'four']);
    await pushLines(varve, { app: 'tailed' }, ['five']);
    await vi.waitFor(() => {
      expect(lines()).toEqual(['two', 'three', 'four', 'five']);
    }, 10_000);
    await tail.stop();
  });

  it('delete makes a request, lists it, and its lines are gone at once', async () => {
    const streams = [{ stream: { app: 'secret' }, values: [[`${checkout.startMs}000000`, 'a password']] }];
    await fetch(`http://127.0.0.1:${varve.ports.loki}/loki/api/v1/push`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ streams }),
    });
    const query = '{app="secret"} |= "password"';
    expect(await toldLines('query', ...between, query)).toHaveLength(1);
    expect((await logcli('delete', 'create', ...between, query)).stdout).toBe(
      'Delete request created successfully\n',
    );
    const [listed] = JSON.parse(await told('--output', 'jsonl', 'delete', 'list')) as unknown[];
    expect(listed).toMatchObject({ query, start_time: checkout.startMs / 1_000 - 60, status: 'received' });
    expect(await toldLines('query', ...between, query)).toEqual([]);
    // Its list leaves ids out.
    const [request] = (await getJson(varve.ports.loki, '/loki/api/v1/delete')) as { request_id: string }[];
    await logcli('delete', 'cancel', '--request-id', request?.request_id ?? '');
    expect(await toldLines('query', ...between, query)).toHaveLength(1);
  });
});

describe.runIf(isInstalled)('logcli where credentials are asked for', () => {
  let guarded: Varve;
  const read = async (...args: string[]) => {
    const address = `http://127.0.0.1:${guarded.ports.loki}`;
    const query = ['query', '--output', 'jsonl', '--include-common-labels', '{app="shared"}'];
    const { stdout } = await run(goProgram('logcli'), ['--addr', address, '--quiet', ...args, ...query]);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: string; labels: Record<string, string> });
  };

  beforeAll(async () => {
    const hashPassword = ['dist/cli/main.js', 'config', 'hash-password'];
    const password = execFileSync(process.execPath, hashPassword, { input: 'secret' }).toString().trim();
    const sha256 = createHash('sha256').update('key').digest('hex');
    const tokens = [{ sha256, scopes: ['read', 'write'] }];
    const users = { alice: { password, scopes: ['read'] } };
    const tenants = { shop: { tokens, users }, bank: { tokens } };
    guarded = await startVarve({ settings: { tenants: JSON.stringify(tenants) } });
    for (const tenant of ['shop', 'bank']) {
      const values = [[`${Date.now()}000000`, `of ${tenant}`]];
      const response = await fetch(`http://127.0.0.1:${guarded.ports.loki}/loki/api/v1/push`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-scope-orgid': tenant,
          authorization: 'Bearer key',
        },
        body: JSON.stringify({ streams: [{ stream: { app: 'shared' }, values }] }),
      });
      expect(response.status).toBe(204);
    }
  });
  afterAll(async () => {
    expect(await guarded.stop()).toBe(0);
  });

  it('reads as the tenants that it names, with a token', async () => {
    const shop = await read('--bearer-token', 'key', '--org-id', 'shop');
    expect(shop.map(({ line }) => line)).toEqual(['of shop']);
    const both = await read('--bearer-token', 'key', '--org-id', 'shop|bank');
    expect(both.map(({ line, labels }) => [line, labels['__tenant_id__']]).toSorted()).toEqual([
      ['of bank', 'bank'],
      ['of shop', 'shop'],
    ]);
  });

  it('reads as a user, for the only tenant that the user has', async () => {
    const found = await read('--username', 'alice', '--password', 'secret');
    expect(found.map(({ line }) => line)).toEqual(['of shop']);
  });

  it('is told of a wrong password, and of a tenant that is not for it', async () => {
    await expect(read('--username', 'alice', '--password', 'guess')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error response from server') as unknown,
    });
    await expect(
      read('--username', 'alice', '--password', 'secret', '--org-id', 'bank'),
    ).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('bank') as unknown,
    });
  });
});
