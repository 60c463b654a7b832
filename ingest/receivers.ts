import { lokiPush } from './loki/push.ts';
import { otlpHttp } from './otlp/http.ts';
import { remoteWrite } from './prometheus/remote-write.ts';
import type { Receiver } from './receiver.ts';

/** Every receiver that speaks HTTP, by the listener whose port its senders know. */
export const httpReceivers = {
  otlpHttp: [otlpHttp],
  loki: [lokiPush, otlpHttp],
  prometheus: [remoteWrite, otlpHttp],
  all: [otlpHttp, lokiPush, remoteWrite],
} as const satisfies Record<string, readonly Receiver[]>;

export type HttpListener = keyof typeof httpReceivers;
