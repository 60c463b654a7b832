import Type from 'typebox';
import { Tokens, Users } from './credentials.ts';
import { bytes, count, KiB, MiB, milliseconds, minuteMs, port, section } from './kinds.ts';
import { otlp } from './otlp.ts';
import { duration, size } from './quantity.ts';
import { query } from './query.ts';
import { streamRules } from './stream-rules.ts';

const listen = section(
  'Addresses. Without credentials in `tenants` everyone who reaches a port may read and write.',
  {
    host: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address of every listener.' }),
    unauthenticated_allowed: Type.Boolean({
      default: false,
      description:
        'Must be true to listen on anything but loopback where `tenants` has no credentials: nobody is asked who they are.',
    }),
    otlp_grpc_port: port(4317, 'OTLP over gRPC'),
    otlp_http_port: port(4318, 'OTLP over HTTP'),
    loki_port: port(3100, 'Loki API and push, OTLP over HTTP'),
    tempo_port: port(3200, 'Tempo API'),
    prometheus_port: port(9090, 'Prometheus API and remote write, OTLP over HTTP'),
    http_port: port(8080, 'Every API and receiver on one port'),
    zipkin_port: port(9411, 'Zipkin spans'),
    jaeger_http_port: port(14_268, 'Jaeger spans in Thrift over HTTP'),
    jaeger_grpc_port: port(14_250, 'Jaeger spans over gRPC'),
    elasticsearch_port: port(9200, 'Elasticsearch bulk'),
    syslog_tcp_port: port(5514, 'Syslog over TCP'),
    syslog_udp_port: port(5514, 'Syslog over UDP'),
    syslog_tls_port: port(6514, 'Syslog over TLS, where this or `tls` has a certificate'),
    syslog_tls_cert_file: Type.String({
      default: '',
      description:
        'Certificate of that port, if it is not to be `tls.cert_file`; both are read again when they change.',
    }),
    syslog_tls_key_file: Type.String({ default: '', description: 'Its key, without a passphrase.' }),
    syslog_tls_client_ca_file: Type.String({
      default: '',
      description:
        'Authorities of senders’ certificates, beside `syslog_tls_cert_file`; empty asks for none.',
    }),
    request_timeout_ms: milliseconds(
      minuteMs,
      'Longest time in which a request must have arrived whole, and a new connection must have said something.',
      100,
    ),
    connections_max: count(10_000, 'Most connections of each port; further ones are closed at once.'),
    drain_timeout_ms: milliseconds(7_000, 'At shutdown, how long requests under way may take to finish.'),
  },
);

const tls = section(
  'Certificates of every port, in PEM ([security.md](security.md)). Changed files are taken up while Varve runs.',
  {
    cert_file: Type.String({
      default: '',
      description: 'The certificate, followed by those between it and its authority; empty speaks cleartext.',
    }),
    key_file: Type.String({ default: '', description: 'Its key, without a passphrase.' }),
    client_ca_file: Type.String({
      default: '',
      description:
        'Authorities of client certificates: who has none of theirs is sent away; empty asks for none.',
    }),
    min_version: Type.Union([Type.Literal('TLSv1.2'), Type.Literal('TLSv1.3')], {
      default: 'TLSv1.2',
      description: 'Oldest version that is spoken.',
    }),
    handshake_timeout_ms: milliseconds(10_000, 'Longest time of a handshake.', 100),
    reload_interval_ms: milliseconds(5_000, 'How often the files are looked at for new content.', 100),
  },
);

const tenancy = section('Whose data a request is about.', {
  default: Type.String({
    default: 'anonymous',
    description: 'Tenant of requests without `X-Scope-OrgID`; empty refuses them.',
  }),
  syslog: Type.String({
    default: '',
    description:
      'Tenant of syslog messages, which bear no credentials; empty takes `tenancy.default`, or opens no syslog port where `tenants` has credentials.',
  }),
  tenants_per_query_max: count(20, 'Most tenants that one read may name (`a|b|c`).'),
});

const ingest = section('What senders may do.', {
  in_flight_max_bytes: bytes(
    512 * MiB,
    'Request bodies held at once; past it senders get 503 and Retry-After.',
  ),
  append_timeout_ms: milliseconds(
    10_000,
    'How long a request may wait for the disk before it is answered 503.',
    100,
  ),
  retry_after_seconds: count(1, 'What a refused sender is told to wait.', 1, 3_600),
  cors_origins: Type.Array(Type.String(), {
    default: [],
    description: 'Origins whose pages may send OTLP over HTTP (`*`: any); none turns that off.',
  }),
  syslog_message_max_bytes: Type.Integer({
    default: 64 * KiB,
    minimum: 8 * KiB,
    maximum: 16 * MiB,
    description: 'Longest syslog message; what is longer is cut there and marked `truncated`.',
  }),
  syslog_waiting_max_bytes: Type.Integer({
    default: 16 * MiB,
    minimum: MiB,
    maximum: 1024 * MiB,
    description:
      'Syslog that waits to be stored, for UDP and for streams each; past it datagrams are dropped and streams are not read.',
  }),
  syslog_connections_max: count(4_096, 'Most syslog connections of one port at a time.'),
  syslog_time_zone: Type.String({
    default: 'local',
    minLength: 1,
    description:
      'Zone of syslog times that name none: `local` is this machine’s, else a name such as `Europe/Berlin`.',
  }),
});

const rate = (description: string) =>
  Type.Integer({ default: 0, minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description });

const limits = section('What each tenant may send; `tenants.NAME.limits` may differ.', {
  body_max_bytes: bytes(64 * MiB, 'Largest request body as sent, still compressed.'),
  body_decompressed_max_bytes: bytes(
    256 * MiB,
    'Largest body after decompression; stops decompression bombs.',
  ),
  body_records_max: count(
    1_000_000,
    'Most log records, spans or samples that one body makes; a histogram makes a sample for each bucket.',
  ),
  in_flight_max_bytes: bytes(
    256 * MiB,
    'Request bodies of the tenant held at once; past it senders get 429 and Retry-After.',
  ),
  ingest_bytes_per_second: rate('Bytes after decompression in the long run; 0 takes any rate.'),
  ingest_burst_bytes: bytes(64 * MiB, 'How far ahead of that rate a burst may run.'),
  ingest_records_per_second: rate('Log records, spans and data points in the long run; 0 takes any rate.'),
  ingest_burst_records: count(1_000_000, 'How far ahead of that rate a burst may run.'),
  streams_max: count(1_000_000, 'Active streams; records of further ones are refused.'),
  series_max: count(1_000_000, 'Active series; samples of further ones are refused.'),
  active_window_ms: milliseconds(
    20 * minuteMs,
    'How long after its last record a stream or series is still active.',
    1_000,
  ),
  soft_percent: count(80, 'Past this part of both limits the log and the metrics warn.', 1, 100),
  labels_max: count(15, 'Labels of a stream pushed to Loki’s API, `service_name` not counted.'),
  label_name_max_bytes: bytes(1024, 'Longest name of such a label.', 1),
  label_value_max_bytes: bytes(2048, 'Longest value of such a label.', 1),
  metadata_max_entries: count(128, 'Structured metadata of a line pushed to Loki’s API.', 0),
  metadata_max_bytes: bytes(64 * KiB, 'Its names and values together.', 0),
  attributes_max: count(
    1_000,
    'Attributes of one log record or span, with its events and links and theirs; of a resource or scope, with which all below is refused; labels of one series.',
    0,
  ),
  attributes_max_bytes: bytes(MiB, 'Their names and values together.', 0),
  line_max_bytes: bytes(
    256 * KiB,
    'Longest log line; a longer one is refused, the rest of its request kept.',
    64,
  ),
  record_max_age_ms: milliseconds(0, 'Oldest record that is taken; 0 takes any age.', 0),
  record_max_ahead_ms: milliseconds(10 * minuteMs, 'How far ahead of our clock a record may be.', 0),
});

const retentionRules = {
  logs_max_age_ms: milliseconds(
    0,
    'Log lines are not shown once they are older, and erased; 0 keeps them.',
    0,
  ),
  spans_max_age_ms: milliseconds(0, 'The same for spans.', 0),
  samples_max_age_ms: milliseconds(0, 'The same for samples, and for exemplars.', 0),
  logs_max_bytes: bytes(0, 'Over this size on disk the oldest segments of logs go; 0 keeps them.', 0),
  spans_max_bytes: bytes(0, 'The same for spans.', 0),
  samples_max_bytes: bytes(0, 'The same for samples, and for exemplars on their own.', 0),
  logs_streams: streamRules(
    'How long the streams are kept that a selector matches, instead of `logs_max_age_ms` (Loki’s `retention_stream`): `selector`, `priority`, `max_age_ms`, `max_bytes`. In the environment and in flags as JSON.',
  ),
  samples_series: streamRules('The same for series, and their exemplars, instead of `samples_max_age_ms`.'),
};

const retention = section('How long records are kept; `tenants.NAME.retention` may differ.', {
  ...retentionRules,
  delete_cancel_period_ms: milliseconds(
    24 * 60 * minuteMs,
    'How long a request to delete can be cancelled; then the rows, hidden from the first moment on, are erased.',
    0,
  ),
  expired_rewrite_period_ms: milliseconds(
    24 * 60 * minuteMs,
    'How long rows that are too old, and not shown, may stay on the disk beside others that are not; at least ten minutes.',
    0,
  ),
});

const tenants = Type.Record(
  Type.String(),
  Type.Object(
    {
      limits: Type.Optional(Type.Partial(limits, { additionalProperties: false })),
      retention: Type.Optional(Type.Partial(Type.Object(retentionRules), { additionalProperties: false })),
      tokens: Type.Optional(Tokens),
      users: Type.Optional(Users),
    },
    { additionalProperties: false },
  ),
  {
    default: {},
    description:
      'By tenant, what differs from `limits` and from `retention`, and who may write and read ([security.md](security.md)): `NAME: {limits: {streams_max: 5000}}`. In the environment and in flags as JSON.',
  },
);

const log = section('The log (DLog).', {
  partitions: count(
    10,
    'Partitions of each log. Fixed once the data directory is made; another value is refused.',
    1,
    10_000,
  ),
  tenant_partitions: count(1, 'Over how many partitions one tenant is spread.', 1, 10_000),
  replication_factor: count(
    3,
    'Copies of each record, N; a cluster of fewer nodes keeps as many as it has nodes.',
    1,
    7,
  ),
  write_quorum: count(
    2,
    'Copies that are durable before a record is acknowledged, W; at most N. `varve config check` tells what follows.',
    1,
    7,
  ),
  read_quorum: count(
    1,
    'Stores that a read asks for the tail when it does not go through the leader, R.',
    1,
    7,
  ),
  copyset_strategy: Type.Union([Type.Literal('partition'), Type.Literal('record')], {
    default: 'partition',
    description: 'Whether all records of a partition have their copies on the same stores, or each chooses.',
  }),
  leader_stores_data: Type.Boolean({
    default: true,
    description: "Whether a leader's own store may hold copies of what it leads.",
  }),
  journal_file_bytes: Type.Integer({
    default: 256 * MiB,
    minimum: MiB,
    maximum: 4096 * MiB,
    description: 'Size of a journal file, reserved when it is made; one request must fit into it.',
  }),
  write_buffer_size: size('64MiB', ['1MiB', '16GiB'], 'What may wait for the disk; past it senders get 503.'),
  segment_size: size(
    '256MiB',
    ['1MiB', '64GiB'],
    'Largest segment that is made of the log, or by compaction of smaller ones.',
  ),
  epoch_timeout: duration(
    '5s',
    ['100ms', '10m'],
    'How long a record may wait for its write quorum before the epoch is given up. Without effect on one node, which waits for no other.',
  ),
  coordinator_count: count(
    1_024,
    'Over how many coordinators sessions and other ids are spread. Fixed once the data directory is made; another value is refused.',
    1,
    1_024,
  ),
  dedupe_window_ms: milliseconds(
    10 * minuteMs,
    'How long a request that is sent again is known and stored once; 0 stores it each time.',
    0,
  ),
  dedupe_keys_max: count(1_000_000, 'Most requests of one partition that are known again.'),
  dedupe_keys_total_max: count(
    4_000_000,
    'Most requests of all partitions together that are known again, at up to 72 bytes each; past it those partitions that have most forget their oldest.',
  ),
  disk_free_min_bytes: bytes(
    1_024 * MiB,
    'Below this much free space on the disk senders get 503 and queries go on, until there is a quarter more; 0 fills it whole.',
    0,
  ),
  disk_free_min_percent: count(
    5,
    'The same as a share of the disk; the smaller of the two counts, so that small disks can be used.',
    0,
    100,
  ),
  hold_max_age: duration(
    '1h',
    ['1s', '720h'],
    'How long a hold (`varve log hold`) keeps records of the log unless it is set again; also the most that one may ask for.',
  ),
  subscribe_credit: size(
    '4MiB',
    ['64KiB', '1GiB'],
    'Records that whoever follows the log holds at once, the views at a start among them.',
  ),
});

const view = section('Memtables and segments.', {
  memtable_max_bytes: bytes(
    256 * MiB,
    'Size of all memtables at which they are sealed into segments; at twice that, with what is being sealed, senders are held back, and after 5 s get 503.',
    MiB,
  ),
  memtable_max_age_ms: milliseconds(10 * minuteMs, 'Age at which a memtable is sealed.', 1_000),
  text_block_rows: count(256, 'Rows that the text index finds as one block.', 1, 65_536),
  filter_attributes: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
    default: [],
    maxItems: 32,
    description:
      'Attributes of logs and spans, by their names as sent, whose values are in the Bloom filters of segments that are written from now on, as trace and span ids are: a search for a rare value reads only segments that may have it. 12 bits in memory and on disk for each different value of a segment.',
  }),
  compaction_segments_min: count(
    8,
    'Segments of about one size of which compaction makes one; 0 turns compaction off.',
    0,
    1_000,
  ),
  compaction_window_ms: milliseconds(
    24 * 60 * minuteMs,
    'Compaction keeps rows of different windows apart, so it is also the step in which retention frees space.',
    minuteMs,
  ),
  compaction_cpu_percent_max: count(
    50,
    'Share of one core that compaction takes while appends are under way.',
    1,
    100,
  ),
});

const telemetry = section("Varve's own log.", {
  log_level: Type.Union(
    [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')],
    { default: 'info', description: 'Least severity of the lines on standard error (JSON).' },
  ),
});

/**
 * Every setting: name with its unit, default, bounds, one sentence. `docs/configuration.md`, the
 * environment's names, the flags and `varve config print` are made from it.
 */
export const ConfigSchema = section('Varve’s settings.', {
  data_dir: Type.String({
    default: './varve-data',
    minLength: 1,
    description: 'Where everything is kept; made if it is not there.',
  }),
  listen,
  tls,
  tenancy,
  ingest,
  otlp,
  limits,
  tenants,
  log,
  view,
  retention,
  query,
  telemetry,
});

/** A whole configuration; only `loadConfig` makes one. */
export type Config = Type.Static<typeof ConfigSchema>;
