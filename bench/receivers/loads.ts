import type { Varve } from '../../test/support/varve.ts';
import { makeLogs } from '../logs.ts';
import { hourBefore, type PayloadSet } from '../payload.ts';
import { makeSamples } from '../samples.ts';
import { Client, sendAll } from '../send.ts';
import { makeSpans } from '../spans.ts';
import { sendAllCalls } from './grpc.ts';
import { lokiPushJson, lokiPushProtobuf, otlpLogsJson } from './log-bodies.ts';
import { remoteWrite2 } from './remote-write-2.ts';
import { counted, sendDatagrams, sendStreams, syslogMessages } from './syslog.ts';
import { zipkinSpansJson } from './zipkin-bodies.ts';

/** What one kind of sender sends. */
export interface Load {
  readonly name: string;
  /** As Varve's metrics call it. */
  readonly receiver: string;
  /** Encodes everything ahead of time: seconds of work. */
  prepare(records: number, connections: number): Prepared;
}

export interface Prepared {
  readonly records: number;
  readonly wireBytes: number;
  /** Sends all of it; the times from sent to acknowledged, where senders are answered. */
  send(varve: Varve): Promise<readonly number[]>;
}

/** Series of both versions of remote write. */
const series = 5_000;
const datagramsPerSecond = 60_000;
const now = () => hourBefore(Date.now());

export const loads: readonly Load[] = [
  overGrpc('OTLP gRPC, logs', '/opentelemetry.proto.collector.logs.v1.LogsService/Export', (count) =>
    makeLogs(count, now()),
  ),
  overHttp('OTLP HTTP, logs', 'otlpHttp', (count) => makeLogs(count, now())),
  overHttp('OTLP JSON, logs', 'otlpHttp', (count) => otlpLogsJson(count, now())),
  overGrpc('OTLP gRPC, spans', '/opentelemetry.proto.collector.trace.v1.TraceService/Export', (count) =>
    makeSpans(count, now()),
  ),
  overHttp('OTLP HTTP, spans', 'otlpHttp', (count) => makeSpans(count, now())),
  overHttp('Loki protobuf', 'lokiPush', (count) => lokiPushProtobuf(count, now())),
  overHttp('Loki JSON', 'lokiPush', (count) => lokiPushJson(count, now())),
  overHttp('remote write 1.0', 'remoteWrite', (count) => makeSamples(count * 4, series, now())),
  overHttp('remote write 2.0', 'remoteWrite', (count) => makeSamples(count * 4, series, now(), remoteWrite2)),
  overHttp('Zipkin JSON', 'zipkin', (count) => zipkinSpansJson(count, now())),
  {
    name: 'syslog TCP',
    receiver: 'syslogTcp',
    prepare: (records, connections) => {
      const each = Math.ceil(records / connections);
      const streams = Array.from({ length: connections }, (_, index) => counted(syslogMessages(each, index)));
      return {
        records: each * connections,
        wireBytes: streams.reduce((sum, { length }) => sum + length, 0),
        send: async ({ ports }) => {
          await sendStreams(ports.syslogTcp, streams);
          return [];
        },
      };
    },
  },
  {
    name: 'syslog UDP',
    receiver: 'syslogUdp',
    prepare: (records) => {
      const messages = syslogMessages(records, 1);
      return {
        records,
        wireBytes: messages.reduce((sum, { length }) => sum + length, 0),
        send: async ({ ports }) => {
          await sendDatagrams(ports.syslogUdp, messages, datagramsPerSecond);
          return [];
        },
      };
    },
  },
];

type MakeSet = (records: number) => PayloadSet<unknown>;

function overHttp(name: string, receiver: string, make: MakeSet): Load {
  return {
    name,
    receiver,
    prepare: (records, connections) => {
      const set = make(records);
      return {
        ...sizeOf(set),
        send: async ({ ports }) => {
          const client = new Client(ports.all, connections);
          try {
            return (await sendAll(client, set, connections)).ackMs;
          } finally {
            client.close();
          }
        },
      };
    },
  };
}

function overGrpc(name: string, method: string, make: MakeSet): Load {
  return {
    name,
    receiver: 'otlpGrpc',
    prepare: (records, connections) => {
      const set = make(records);
      return {
        ...sizeOf(set),
        send: async ({ ports }) => (await sendAllCalls(ports.grpc, method, set.payloads, connections)).ackMs,
      };
    },
  };
}

function sizeOf({ payloads }: PayloadSet<unknown>): { records: number; wireBytes: number } {
  return {
    records: payloads.reduce((sum, { records }) => sum + records, 0),
    wireBytes: payloads.reduce((sum, { body }) => sum + body.length, 0),
  };
}
