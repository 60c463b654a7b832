import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { areProgramsNeeded, freePort, type Program, startProgram } from '../support/programs.ts';
import { snippetsOf } from '../support/snippets.ts';
import { getJson, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

const prometheusPath = '/usr/bin/prometheus';

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** Samples by their series, each as `time value`. */
async function samplesAt(
  port: number,
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<Map<string, string[]>> {
  const answer = (await getJson(port, path, parameters)) as { data: { result: readonly Series[] } };
  return new Map(
    answer.data.result.map(({ metric, values }) => [
      JSON.stringify(Object.entries(metric).sort()),
      values.map(([time, value]) => `${time} ${value}`),
    ]),
  );
}

// CI installs it; elsewhere it may be missing.
describe.runIf(areProgramsNeeded || existsSync(prometheusPath))(
  "Debian's prometheus, which scrapes itself and writes to Varve",
  () => {
    let varve: Varve;
    let prometheus: Program;
    let port: number;
    let startSeconds: number;
    let endSeconds: number;

    beforeAll(async () => {
      const writtenTo = await freePort();
      port = await freePort();
      const settings = { 'listen-prometheus-port': String(writtenTo) };
      varve = await startVarve({ settings });
      const again = async () => await startVarve({ settings, dataDir: varve.dataDir });
      const folder = temporaryFolder();
      const [snippet = ''] = snippetsOf('Prometheus', 'yaml', varve.ports);
      const { remote_write } = parse(snippet) as { remote_write: { queue_config: object }[] };
      // As docs/senders.md says, but sooner, so that the test need not wait.
      const soon = { batch_send_deadline: '300ms', min_backoff: '50ms', max_backoff: '500ms' };
      const targets = [`127.0.0.1:${port}`];
      writeFileSync(
        join(folder, 'prometheus.yml'),
        stringify({
          global: { scrape_interval: '500ms' },
          scrape_configs: [{ job_name: 'prometheus', static_configs: [{ targets }] }],
          remote_write: remote_write.map((to) => ({ ...to, queue_config: { ...to.queue_config, ...soon } })),
        }),
      );
      const flags = ['--config.file=prometheus.yml', '--storage.tsdb.path=data'];
      prometheus = startProgram(prometheusPath, [...flags, `--web.listen-address=127.0.0.1:${port}`], folder);
      const latest = async (at: number) =>
        (await getJson(at, '/api/v1/query', { query: 'timestamp(up)' })) as {
          data: { result: { value: [number, string] }[] };
        };
      // What was scraped before the first sample came here was written to nobody: queues start with what is new.
      await vi.waitFor(
        async () => {
          expect((await latest(varve.ports.prometheus)).data.result).toHaveLength(1);
        },
        { timeout: 30_000, interval: 100 },
      );
      startSeconds = Math.ceil(Date.now() / 1_000);
      await sleep(7_000);
      expect(await varve.stop()).toBe(0);
      await sleep(2_000);
      varve = await again();
      await sleep(3_000);
      await varve.kill();
      await sleep(1_000);
      varve = await again();
      await sleep(3_000);
      endSeconds = Math.floor(Date.now() / 1_000) - 1;
      await vi.waitFor(
        async () => {
          const [found] = (await latest(varve.ports.prometheus)).data.result;
          expect(Number(found?.value[1]), prometheus.output()).toBeGreaterThan(endSeconds + 1);
        },
        { timeout: 60_000, interval: 200 },
      );
    });

    afterAll(async () => {
      await prometheus.stop();
      await varve.stop();
    });

    /** Half-way between two scrapes, where Prometheus 2 and 3 agree on which samples a range holds. */
    async function rangeFrom(seconds: number, step: string) {
      const up = await samplesAt(port, '/api/v1/query_range', {
        ...{ query: 'timestamp(up)', start: String(startSeconds), end: String(startSeconds), step: '1' },
      });
      const [scraped = ''] = [...up.values()].flat();
      const scrapedMs = Math.round(Number(scraped.split(' ')[1]) * 1_000);
      const startMs = seconds * 1_000 + ((scrapedMs + 250) % 500);
      return { start: (startMs / 1_000).toFixed(3), end: String(endSeconds), step };
    }

    it.each([
      ['sample by sample', '{job="prometheus"}', '0.25'],
      ['with the time of each scrape', 'timestamp(up)', '0.25'],
      ['without a gap or a double', 'count_over_time(up[1s])', '1'],
      [
        'with none of many twice',
        'sum(count_over_time(prometheus_http_request_duration_seconds_bucket[1s]))',
        '1',
      ],
      ['with the same rates', 'rate(prometheus_http_requests_total[5s])', '1'],
      ['with the same sums', 'sum by (handler) (prometheus_http_request_duration_seconds_count)', '1'],
    ])('is found again %s, over a restart and a kill', async (_what, query, step) => {
      // Ranges reach back to before the first sample that was written here.
      const range = await rangeFrom(startSeconds + 6, step);
      const theirs = await samplesAt(port, '/api/v1/query_range', { ...range, query });
      expect(theirs.size).toBeGreaterThan(0);
      expect(Math.max(...[...theirs.values()].map((values) => values.length))).toBeGreaterThanOrEqual(10);
      const ours = await samplesAt(varve.ports.prometheus, '/api/v1/query_range', { ...range, query });
      expect(ours).toEqual(theirs);
    });

    it('has told the kind and meaning of its metrics', async () => {
      const metric = 'prometheus_http_requests_total';
      await vi.waitFor(
        async () => {
          expect(await getJson(varve.ports.prometheus, '/api/v1/metadata', { metric })).toMatchObject({
            data: { [metric]: [{ type: 'counter', help: 'Counter of HTTP requests.' }] },
          });
        },
        { timeout: 70_000, interval: 1_000 },
      );
    });
  },
);
