import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Ports by what listens on them, as the program tells people. */
export interface Ports {
  readonly grpc: number;
  readonly otlp: number;
  readonly loki: number;
  readonly tempo: number;
  readonly prometheus: number;
  readonly all: number;
  readonly zipkin: number;
  readonly jaegerHttp: number;
  readonly jaegerGrpc: number;
  readonly elasticsearch: number;
  readonly syslogTcp: number;
  readonly syslogUdp: number;
  /** NaN without a certificate. */
  readonly syslogTls: number;
}

/** A Varve of its own process, as users run it, on ports that were free. */
export interface Varve {
  readonly ports: Ports;
  readonly pid: number;
  readonly dataDir: string;
  /** SIGTERM, and its exit status. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** What it has written to standard error so far. */
  errorOutput(): string;
}

export interface StartOptions {
  /** A new one, removed at the end of the tests, unless given. */
  readonly dataDir?: string;
  /** Flags, by the setting's name in the command line's form. */
  readonly settings?: Readonly<Record<string, string>>;
}

const names = {
  grpc: 'OTLP over gRPC',
  otlp: 'OTLP over HTTP',
  loki: 'Loki API and push',
  tempo: 'Tempo API',
  prometheus: 'Prometheus API and remote write',
  all: 'All of them',
  zipkin: 'Zipkin spans',
  jaegerHttp: 'Jaeger over HTTP',
  jaegerGrpc: 'Jaeger over gRPC',
  elasticsearch: 'Elasticsearch bulk',
  syslogTcp: 'Syslog over TCP',
  syslogUdp: 'Syslog over UDP',
  syslogTls: 'Syslog over TLS',
} as const satisfies Record<keyof Ports, string>;

const anyPorts = {
  'listen-otlp-grpc-port': '0',
  'listen-otlp-http-port': '0',
  'listen-loki-port': '0',
  'listen-tempo-port': '0',
  'listen-prometheus-port': '0',
  'listen-http-port': '0',
  'listen-zipkin-port': '0',
  'listen-jaeger-http-port': '0',
  'listen-jaeger-grpc-port': '0',
  'listen-elasticsearch-port': '0',
  'listen-syslog-tcp-port': '0',
  'listen-syslog-udp-port': '0',
  'listen-syslog-tls-port': '0',
};

/** An empty folder below the system's temporary one; removed when this process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-test-'));
  temporaryFolders.push(folder);
  return folder;
}

const temporaryFolders: string[] = [];
process.on('exit', () => {
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
});

/** Starts the built program as a child; the caller waits for it with {@link readyVarve}. */
export function spawnVarve({ dataDir = temporaryFolder(), settings = {} }: StartOptions): ChildProcess {
  const flags = Object.entries({ ...anyPorts, 'data-dir': dataDir, ...settings });
  const args = ['dist/cli/main.js', 'start', ...flags.flatMap(([flag, value]) => [`--${flag}`, value])];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Starts the built program and waits until it takes requests. */
export async function startVarve(options: StartOptions = {}): Promise<Varve> {
  const dataDir = options.dataDir ?? temporaryFolder();
  const child = spawnVarve({ ...options, dataDir });
  let told = '';
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout?.setEncoding('utf8');
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text: string) => {
      told += text;
      if (told.includes('Varve is ready.') && told.includes('query_range')) resolve();
    });
    exited.then(([status]) => {
      reject(new Error(`Varve ended with status ${String(status)}:\n${errors}`));
    }, reject);
  });
  return {
    ports: portsOf(told),
    pid: child.pid ?? 0,
    dataDir,
    errorOutput: () => errors,
    stop: async () => {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function portsOf(told: string): Ports {
  const port = (name: string) => Number(new RegExp(`^  ${name} +\\S+:(\\d+)$`, 'm').exec(told)?.[1]);
  return {
    grpc: port(names.grpc),
    otlp: port(names.otlp),
    loki: port(names.loki),
    tempo: port(names.tempo),
    prometheus: port(names.prometheus),
    all: port(names.all),
    zipkin: port(names.zipkin),
    jaegerHttp: port(names.jaegerHttp),
    jaegerGrpc: port(names.jaegerGrpc),
    elasticsearch: port(names.elasticsearch),
    syslogTcp: port(names.syslogTcp),
    syslogUdp: port(names.syslogUdp),
    syslogTls: port(names.syslogTls),
  };
}

/** GETs JSON, or fails with the status and body that came instead. */
export async function getJson(
  port: number,
  path: string,
  parameters: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const query = new URLSearchParams(parameters).toString();
  const url = `http://127.0.0.1:${port}${path}${query === '' ? '' : `?${query}`}`;
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return await response.json();
}
