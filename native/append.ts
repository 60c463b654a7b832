/** What a request's body is; each has one decoder in `native/wire`. */
export type BodyFormat =
  | 'otlpLogsProtobuf'
  | 'otlpLogsJson'
  | 'otlpTracesProtobuf'
  | 'otlpTracesJson'
  | 'otlpMetricsProtobuf'
  | 'otlpMetricsJson'
  | 'lokiPushProtobuf'
  | 'lokiPushJson'
  | 'remoteWriteV1'
  | 'remoteWriteV2'
  | 'syslog'
  | 'zipkinJson'
  | 'zipkinProtobuf'
  | 'jaegerThrift'
  | 'jaegerProtobuf'
  | 'elasticBulk';

/** How a body is compressed; `deflate` is the zlib container, `rawDeflate` is without it. */
export type BodyEncoding = 'identity' | 'gzip' | 'deflate' | 'rawDeflate' | 'zstd' | 'snappy' | 'lz4';

/** One request as it came: native code decompresses, decodes and stores it. */
export interface AppendRequest {
  readonly tenant: string;
  readonly format: BodyFormat;
  readonly encoding: BodyEncoding;
  /** Must not change until the promise settles. */
  readonly body: Uint8Array;
  /** By which a retry is known again; without one the body itself is that. */
  readonly idempotencyKey?: string | undefined;
  /** Where the path says that records belong which do not say it: the index of Elasticsearch's bulk API. */
  readonly target?: string | undefined;
}

/** Records of a request that were not taken, and why. */
export interface Refusal {
  /** A fixed word, for metrics: `tooOld`, `lineTooLong`, …. */
  readonly reason: string;
  readonly count: number;
  /** For the sender: names the record, the limit and the setting. */
  readonly message: string;
}

/** What became of a request; what was accepted is durable. */
export interface Receipt {
  /** Log records, spans or data points. */
  readonly accepted: number;
  /** Those among them that are native histograms. */
  readonly histograms: number;
  /** Exemplars, which are not among them. */
  readonly exemplars: number;
  readonly refused: readonly Refusal[];
  /** Size of the body after decompression. */
  readonly bodyBytes: number;
  /** Limits that the tenant comes near to, as sentences. */
  readonly warnings: readonly string[];
  /** What the sender is told of each record, in formats that do so: `"errors":…,"items":[…]`. */
  readonly answer?: Buffer;
}
