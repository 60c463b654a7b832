import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { createIngest, type Ingest, type SocketReceiver } from '../ingest/index.ts';
import { type BuildInfo, createQueryApi } from '../query-api/index.ts';
import { createSearch } from '../search/index.ts';
import { openStorage, parseTenant, type Storage } from '../storage/index.ts';
import { createAuthenticate } from './auth.ts';
import type { Config } from './config/schema.ts';
import { type ControlSocket, controlSocketPath, openControlSocket } from './control-socket.ts';
import { warnOfExpiredHolds } from './expired-holds.ts';
import { guarded } from './guard.ts';
import { cannotListen, type Listener, openListener } from './listeners.ts';
import { operatorPages, type ServiceState } from './operator-pages.ts';
import { ingestOptions, queryApiOptions, searchOptions, storageOptions } from './options.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';
import { Certificates, isEncrypted } from './tls.ts';

/** A running Varve. */
export interface RunningNode {
  readonly host: string;
  /** Whether the ports speak TLS. */
  readonly isEncrypted: boolean;
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
  | 'otlp_grpc_port'
  | 'otlp_http_port'
  | 'loki_port'
  | 'tempo_port'
  | 'prometheus_port'
  | 'zipkin_port'
  | 'jaeger_http_port'
  | 'jaeger_grpc_port'
  | 'elasticsearch_port'
  | 'http_port'
>;
type SocketPorts = Pick<Config['listen'], 'syslog_tcp_port' | 'syslog_udp_port' | 'syslog_tls_port'>;

/**
 * Opens the store, then the listeners; stops what it has opened when one of them cannot be.
 *
 * @throws VarveError DATA_DIR_LOCKED, SETTING_FIXED, STORE_CORRUPT, IO; Error naming a port that cannot be had
 */
export async function startNode(config: Config, deps: NodeDeps): Promise<RunningNode> {
  const storage = await openStorage(storageOptions(config));
  const running = new Running(config, storage, deps.log);
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
  readonly #log: Logger;
  #control: ControlSocket | undefined;
  #stopWarning: (() => void) | undefined;
  #certificates: Certificates | undefined;
  #syslogCertificates: Certificates | undefined;
  #handshakesFailed = 0;
  #state: ServiceState = 'Starting';

  constructor(config: Config, storage: Storage, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#storage = storage;
  }

  get host(): string {
    return this.#config.listen.host;
  }

  get isEncrypted(): boolean {
    return isEncrypted(this.#config.tls);
  }

  get ports(): RunningNode['ports'] {
    return this.#listeners.map(({ name, port }) => ({ name, port }));
  }

  async open({ build }: NodeDeps): Promise<void> {
    const log = this.#log;
    if (this.isEncrypted) this.#certificates = new Certificates(this.#config.tls, log);
    this.#syslogCertificates = syslogCertificates(this.#config, log);
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
      syslogTls: this.#syslogCertificates ?? this.#certificates,
    });
    const api = createQueryApi(queryApiOptions(this.#config, tenantDefault), {
      search: createSearch(storage, searchOptions(this.#config)),
      storage,
      log,
      metrics: telemetry.queryApi,
      isReady: () => this.#state === 'Running',
      clock: Date.now,
      build,
    });
    this.#observeState(telemetry, ingest);
    const common = [guarded(telemetry.plugin, 'metrics', authenticate), api.health];
    const reads = (plugin: FastifyPluginAsync) => guarded(plugin, 'read', authenticate);
    const loki = [
      reads(api.loki),
      guarded(api.lokiDeletes, 'write', authenticate),
      guarded(this.#pages(), 'metrics', authenticate),
    ];
    const otlp = [ingest.plugins.otlp, ...common];
    await this.#openHttp('otlp_grpc_port', 'OTLP over gRPC', otlp);
    await this.#openHttp('otlp_http_port', 'OTLP over HTTP', otlp);
    const explain = reads(api.explain);
    await this.#openHttp('loki_port', 'Loki API and push', [
      ingest.plugins.loki,
      ...loki,
      explain,
      ...common,
    ]);
    await this.#openHttp('tempo_port', 'Tempo API', [reads(api.tempo), explain, ...common]);
    const prometheus = [ingest.plugins.prometheus, reads(api.prometheus), explain, ...common];
    prometheus.push(guarded(api.prometheusDeletes, 'write', authenticate));
    await this.#openHttp('prometheus_port', 'Prometheus API and remote write', prometheus);
    await this.#openHttp('zipkin_port', 'Zipkin spans', [ingest.plugins.zipkin, ...common]);
    const jaeger = [ingest.plugins.jaeger, ...common];
    await this.#openHttp('jaeger_http_port', 'Jaeger over HTTP', jaeger);
    await this.#openHttp('jaeger_grpc_port', 'Jaeger over gRPC', jaeger);
    await this.#openHttp('elasticsearch_port', 'Elasticsearch bulk', [
      ingest.plugins.elasticsearch,
      ...common,
    ]);
    const all = [
      ingest.plugins.all,
      ...loki,
      ...[api.tempo, api.prometheus, api.sql, api.explain, api.position].map(reads),
      ...[api.prometheusDeletes, api.deletes].map((plugin) => guarded(plugin, 'write', authenticate)),
      ...common,
    ];
    await this.#openHttp('http_port', 'All of them', all);
    await this.#openSyslog(ingest, log);
    await this.#openControl();
    const { cutTail } = storage.status().journal;
    if (cutTail !== null) log.warn({ cutTail }, 'the last group of the journal was not whole and was cut');
    this.#stopWarning = warnOfExpiredHolds(log, () => storage.status().journal.holds);
    this.#state = 'Running';
  }

  async stop(): Promise<void> {
    this.#state = 'Stopping';
    this.#stopWarning?.();
    await this.#control?.close();
    const timeoutMs = this.#config.listen.drain_timeout_ms;
    await Promise.all(
      this.#listeners.map(async (listener) => {
        await listener.drain(timeoutMs);
      }),
    );
    this.#certificates?.close();
    this.#syslogCertificates?.close();
    await this.#storage.close();
  }

  async #openHttp(setting: keyof Ports, name: string, plugins: readonly FastifyPluginAsync[]): Promise<void> {
    const {
      host,
      request_timeout_ms: requestTimeoutMs,
      connections_max: connectionsMax,
    } = this.#config.listen;
    const { [setting]: port } = this.#config.listen;
    if (port === 'off') return;
    const listener = await openListener({
      name,
      setting: `listen.${setting}`,
      host,
      port,
      plugins,
      limits: { requestTimeoutMs, connectionsMax },
      certificates: this.#certificates,
      handshakeFailed: (error) => {
        this.#handshakesFailed += 1;
        this.#log.debug({ port: setting, err: error }, 'TLS handshake failed');
      },
    });
    this.#listeners.push(listener);
  }

  #pages(): FastifyPluginAsync {
    return operatorPages({
      config: this.#config,
      logLevel: () => this.#log.level,
      services: () => {
        const { readOnly } = this.#storage.status().journal;
        return { server: this.#state, journal: readOnly === null ? 'Running' : 'Failed' };
      },
    });
  }

  async #openControl(): Promise<void> {
    const { data_dir: dataDir } = this.#config;
    const path = controlSocketPath(dataDir);
    if (path === undefined)
      this.#log.warn({ dataDir }, 'data_dir is too long for a socket: varve log hold is not served');
    else this.#control = await openControlSocket(path, this.#storage);
  }

  async #openSyslog({ syslog }: Ingest, log: Logger): Promise<void> {
    if (syslog === undefined) {
      log.warn('syslog is off: set tenancy.syslog or tenancy.default, whose its messages are to be');
      return;
    }
    await this.#openSocket('syslog_tcp_port', 'Syslog over TCP', syslog.tcp);
    await this.#openSocket('syslog_udp_port', 'Syslog over UDP', syslog.udp);
    if (syslog.tls !== undefined) await this.#openSocket('syslog_tls_port', 'Syslog over TLS', syslog.tls);
  }

  async #openSocket(setting: keyof SocketPorts, name: string, receiver: SocketReceiver): Promise<void> {
    const { host, [setting]: port } = this.#config.listen;
    if (port === 'off') return;
    try {
      const bound = await receiver.listen(host, port);
      this.#listeners.push({
        name,
        port: bound,
        drain: async (timeoutMs) => {
          await receiver.drain(timeoutMs);
        },
      });
    } catch (thrown) {
      throw cannotListen({ name, setting: `listen.${setting}`, host, port }, thrown);
    }
  }

  #observeState(telemetry: Telemetry, ingest: Ingest): void {
    telemetry.observe('varve_ingest_in_flight_bytes', 'Request bodies held now.', () =>
      ingest.inFlightBytes(),
    );
    observeSyslog(telemetry, ingest);
    const certificates = this.#certificates;
    if (certificates === undefined) return;
    const ends = 'When the certificate in use ends, in seconds since 1970.';
    telemetry.observe('varve_tls_certificate_end_timestamp_seconds', ends, () => certificates.endsMs / 1_000);
    const failed =
      'Handshakes that failed: clients without a certificate that is asked for, scanners, plain HTTP.';
    telemetry.observeTotal('varve_tls_failed_handshakes_total', failed, () => this.#handshakesFailed);
  }
}

/** Of the port that syslog's senders know, where it has a certificate of its own. */
function syslogCertificates({ listen, tls }: Config, log: Logger): Certificates | undefined {
  if (listen.syslog_tls_cert_file === '') return undefined;
  const files = {
    cert_file: listen.syslog_tls_cert_file,
    key_file: listen.syslog_tls_key_file,
    client_ca_file: listen.syslog_tls_client_ca_file,
  };
  return new Certificates({ ...tls, ...files }, log);
}

function observeSyslog(telemetry: Telemetry, { syslog }: Ingest): void {
  if (syslog === undefined) return;
  const { udp } = syslog;
  const kept = 'Datagrams that were kept.';
  telemetry.observeTotal('varve_syslog_datagrams_total', kept, () => udp.counts().received);
  const dropped = 'Datagrams that came while ingest.syslog_waiting_max_bytes waited.';
  telemetry.observeTotal('varve_syslog_dropped_datagrams_total', dropped, () => udp.counts().dropped);
}
