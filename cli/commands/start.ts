import { setFlagsFromString } from 'node:v8';
import { readBuildInfo } from '../build-info.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import { showQuorums } from '../config/replication.ts';
import { type RunningNode, startNode } from '../node.ts';
import { createLog } from '../telemetry.ts';

/**
 * `varve start`: runs until a signal, then drains and exits 0.
 *
 * @throws ConfigError, VarveError, Error for a port that cannot be had
 */
export async function start(sources: ConfigSources): Promise<void> {
  countBodiesAsHeap();
  const { config, file } = loadConfig(sources);
  const log = createLog(config.telemetry.log_level);
  const startedAt = performance.now();
  const node = await startNode(config, { log, build: readBuildInfo() });
  const startMs = Math.round(performance.now() - startedAt);
  log.info({ file, dataDir: config.data_dir, copies: showQuorums(config.log), startMs }, 'ready');
  process.stdout.write(greeting(node));
  await nextSignal();
  log.info('stopping: finishing requests under way');
  // A second signal ends it at once; what was acknowledged is durable already.
  void nextSignal().then(() => process.exit(1));
  await node.stop();
  log.info('stopped');
  process.exit(0);
}

/**
 * V8 marks the whole heap for each 64 MB of buffers that were made since the last time, which at full load is
 * many times a second, and a quarter of all CPU time (`npm run bench:receivers`, perf). Counted as a part of the
 * heap they let it grow by a factor first, and most are gone with the young generation by then.
 */
function countBodiesAsHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}

async function nextSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        resolve();
      });
  });
}

/** What a person sees first: where everything is, and a line that sends a first log. */
function greeting({ host, ports, isEncrypted }: RunningNode): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  const at = `${isEncrypted ? 'https' : 'http'}://${shown}`;
  const width = Math.max(0, ...ports.map(({ name }) => name.length));
  const lines = ports.map(({ name, port }) => `  ${name.padEnd(width)}  ${shown}:${port}`);
  const loki =
    ports.find(({ name }) => name.startsWith('Loki')) ?? ports.find(({ name }) => name.startsWith('All'));
  const first =
    loki === undefined
      ? []
      : [
          '',
          'Send a first log, then read it back:',
          `  curl -H 'Content-Type: application/json' ${at}:${loki.port}/loki/api/v1/push \\`,
          `    -d '{"streams":[{"stream":{"app":"hello"},"values":[["'$(date +%s)000000000'","hello, varve"]]}]}'`,
          `  curl -G ${at}:${loki.port}/loki/api/v1/query_range --data-urlencode 'query={app="hello"}'`,
        ];
  return [`Varve is ready.`, '', ...lines, ...first, '', ''].join('\n');
}
