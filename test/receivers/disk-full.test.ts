import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logMarker } from '../../bench/logs.ts';
import { areProgramsNeeded } from '../support/programs.ts';
import { callRaw, postRaw } from '../support/raw-requests.ts';
import { getJson, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

const MiB = 1_024 * 1_024;
const protobuf = { 'content-type': 'application/x-protobuf' };
const exporting = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const settings = {
  'log-journal-file-bytes': String(4 * MiB),
  'log-disk-free-min-percent': '20',
  'ingest-retry-after-seconds': '7',
};

/**
 * A disk of 64 MiB in memory; undefined where mounting is not allowed, which is said. Where all programs are there
 * nothing else may keep it from being mounted.
 */
function smallDisk(): string | undefined {
  const folder = temporaryFolder();
  const options = ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder];
  const { status, stderr, error } = spawnSync('mount', options, { encoding: 'utf8' });
  if (status === 0) return folder;
  const told = error?.message ?? stderr;
  const isForbidden = /permission denied|must be superuser|not permitted/i.test(told);
  if (areProgramsNeeded && !isForbidden) throw new Error(`mounting a tmpfs failed: ${told}`);
  process.stderr.write(`\nNOT TESTED: a disk that somebody fills. No tmpfs: ${told}\n`);
  return undefined;
}

const disk = smallDisk();

describe.skipIf(disk === undefined)('a disk that somebody fills', () => {
  const dataDir = join(disk ?? '', 'data');
  const ballast = join(disk ?? '', 'ballast');
  let varve: Varve;

  beforeAll(async () => {
    varve = await startVarve({ dataDir, settings });
  });

  afterAll(async () => {
    await varve.stop();
    execFileSync('umount', [disk ?? '']);
  });

  const send = async (text: string) =>
    await postRaw(`http://127.0.0.1:${varve.ports.otlp}/v1/logs`, protobuf, logMarker(text, Date.now()));

  const lines = async (): Promise<number> => {
    const answer = (await getJson(varve.ports.loki, '/loki/api/v1/query_range', {
      query: '{service_name=~".+"}',
    })) as { data: { result: { values: unknown[] }[] } };
    return answer.data.result.reduce((sum, { values }) => sum + values.length, 0);
  };

  const isFull = async (): Promise<unknown> => {
    const metrics = await (await fetch(`http://127.0.0.1:${varve.ports.all}/metrics`)).text();
    return /^varve_log_disk_full (\d)$/m.exec(metrics)?.[1];
  };

  const fill = async (): Promise<void> => {
    writeFileSync(ballast, Buffer.alloc(54 * MiB));
    // The disk is asked a few times a second how much is free.
    await sleep(500);
  };

  it('takes logs while there is room', async () => {
    expect((await send('before')).status).toBe(200);
    expect(await isFull()).toBe('0');
  });

  it('has senders told to come again, and is named with what is free and the setting', async () => {
    await fill();
    const answer = await send('refused');
    expect([answer.status, answer.retryAfter]).toEqual([503, '7']);
    expect([...answer.bytes.subarray(0, 2)]).toEqual([8, 8]);
    expect(await callRaw(varve.ports.grpc, exporting, logMarker('refused', Date.now()))).toMatchObject({
      code: 8,
      retrySeconds: 7,
      message: expect.stringMatching(
        new RegExp(`^the disk of ${dataDir}/journal has \\d+ bytes free .* log.disk_free_min_percent$`),
      ) as unknown,
    });
  });

  it('is queried as before, and shown in metrics', async () => {
    expect(await lines()).toBe(1);
    expect(await isFull()).toBe('1');
  });

  it('does not keep Varve from starting', async () => {
    await varve.kill();
    varve = await startVarve({ dataDir, settings });
    expect(await lines()).toBe(1);
    expect((await send('refused')).status).toBe(503);
  });

  it('is written again, without a restart, once there is room', async () => {
    rmSync(ballast);
    await sleep(500);
    expect((await send('after')).status).toBe(200);
    expect(await isFull()).toBe('0');
    expect(await lines()).toBe(2);
  });
});
