import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { createIngest, type Ingest } from '../ingest/index.ts';
import { type BuildInfo, createQueryApi } from '../query-api/index.ts';
import { createSearch } from '../search/index.ts';
import { openStorage, parseTenant, type Storage } from '../storage/index.ts';
import { createAuthenticate } from './auth.ts';
import type { Config } from './config/schema.ts';
import { guarded } from './guard.ts';
import { cannotListen, type Listener, openListener } from './listeners.ts';
import { ingestOptions, queryApiOptions, searchOptions, storageOptions } from './options.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';

/** A running Varve. */
export interface RunningNode {
  readonly host: string;
  /** Open ports by name, in the order they are told to people. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  /** Takes no more requests, finishes those under way, flushes, syncs, gives the data directory free. */
  stop(): Promise<void>;
}

export interface NodeDeps {
  readonly log: Logger;
  readonly build: BuildInfo;
}

type Ports = Pick<
  Config['listen'],
  'otlp_http_port' | 'loki_port' | 'tempo_port' | 'prometheus_port' | 'http_port'
>;

/**
 * Opens the store, then the listeners; stops what it has opened when one of them cannot be.
 *
 * @throws VarveError DATA_DIR_LOCKED, STORE_CORRUPT, IO; Error naming a port that cannot be had
 */
export async function startNode(config: Config, deps: NodeDeps): Promise<RunningNode> {
  const storage = await openStorage(storageOptions(config));
  const running = new Running(config, storage);
  try {
    await running.open(deps);
  } catch (thrown) {
    await running.stop();
    throw thrown;
  }
  return running;
}

class Running implements RunningNode {
  readonly #config: Config;
  readonly #storage: Storage;
  readonly #listeners: Listener[] = [];
  #ready = false;

  constructor(config: Config, storage: Storage) {
    this.#config = config;
    this.#storage = storage;
  }

  get host(): string {
    return this.#config.listen.host;
  }

  get ports(): RunningNode['ports'] {
    return this.#listeners.map(({ name, port }) => ({ name, port }));
  }

  async open({ log, build }: NodeDeps): Promise<void> {
    const tenant = this.#config.tenancy.default;
    const tenantDefault = tenant === '' ? null : parseTenant(tenant);
    const storage = this.#storage;
    const authenticate = createAuthenticate(this.#config);
    const telemetry = createTelemetry(() => storage.status());
    const ingest = createIngest(ingestOptions(this.#config, tenantDefault), {
      storage,
      metrics: telemetry.ingest,
      log,
      authenticate,
    });
    const api = createQueryApi(queryApiOptions(this.#config, tenantDefault), {
      search: createSearch(storage, searchOptions(this.#config)),
      storage,
      log,
      metrics: telemetry.queryApi,
      isReady: () => this.#ready,
      clock: Date.now,
      build,
    });
    observeState(telemetry, ingest);
    const common = [guarded(telemetry.plugin, 'metrics', authenticate), api.health];
    const reads = (plugin: FastifyPluginAsync) => guarded(plugin, 'read', authenticate);
    await this.#openGrpc(ingest);
    await this.#openHttp('otlp_http_port', 'OTLP over HTTP', [ingest.plugins.otlpHttp, ...common]);
    await this.#openHttp('loki_port', 'Loki API and push', [ingest.plugins.loki, reads(api.loki), ...common]);
    await this.#openHttp('tempo_port', 'Tempo API', [reads(api.tempo), ...common]);
    const prometheus = [ingest.plugins.prometheus, reads(api.prometheus), ...common];
    await this.#openHttp('prometheus_port', 'Prometheus API and remote write', prometheus);
    const all = [ingest.plugins.all, ...[api.loki, api.tempo, api.prometheus].map(reads), ...common];
    await this.#openHttp('http_port', 'All of them', all);
    this.#ready = true;
  }

  async stop(): Promise<void> {
    this.#ready = false;
    const timeoutMs = this.#config.listen.drain_timeout_ms;
    await Promise.all(
      this.#listeners.map(async (listener) => {
        await listener.drain(timeoutMs);
      }),
    );
    await this.#storage.close();
  }

  async #openHttp(setting: keyof Ports, name: string, plugins: readonly FastifyPluginAsync[]): Promise<void> {
    const { host, request_timeout_ms: requestTimeoutMs, [setting]: port } = this.#config.listen;
    if (port === 'off') return;
    const plan = { name, setting: `listen.${setting}`, host, port, plugins, requestTimeoutMs };
    this.#listeners.push(await openListener(plan));
  }

  async #openGrpc({ grpc }: Ingest): Promise<void> {
    const { host, otlp_grpc_port: port } = this.#config.listen;
    if (port === 'off') return;
    const name = 'OTLP over gRPC';
    try {
      const bound = await grpc.listen(host, port);
      this.#listeners.push({
        name,
        port: bound,
        drain: async (timeoutMs) => {
          await grpc.drain(timeoutMs);
        },
      });
    } catch (thrown) {
      throw cannotListen({ name, setting: 'listen.otlp_grpc_port', host, port }, thrown);
    }
  }
}

function observeState(telemetry: Telemetry, ingest: Ingest): void {
  telemetry.observe('varve_ingest_in_flight_bytes', 'Request bodies held now.', () => ingest.inFlightBytes());
}
