import type { Ports } from '../support/varve.ts';
import { nanos } from './shop.ts';

/** A service of two pods: one writes JSON with objects inside, the other logfmt; both with structured metadata. */
export interface Checkout {
  /** Time of the first line; a whole minute, two to three minutes ago. */
  readonly startMs: number;
  /** Past the last line. */
  readonly endMs: number;
}

/** Six lines in JSON, one a second, and four in logfmt, one a second from the thirtieth on, pushed to Loki's port. */
export async function sendCheckout({ loki }: Ports): Promise<Checkout> {
  const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
  const labels = { service_name: 'checkout', namespace: 'prod' };
  const json = Array.from({ length: 6 }, (_, index) => [
    nanos(startMs + index * 1_000),
    JSON.stringify({
      level: 'info',
      method: 'GET',
      status: 200,
      took: `${10 + index}ms`,
      ratio: index / 4,
      user: { id: `u${index % 3}`, plan: 'free' },
    }),
    { trace_id: `trace-${index}`, agent: 'curl/8.5' },
  ]);
  const logfmt = Array.from({ length: 4 }, (_, index) => [
    nanos(startMs + 30_000 + index * 1_000),
    `level=error method=POST status=502 took=${index + 1}s size=${index + 1}KB msg="order A-${index} declined (card)"`,
    { trace_id: `trace-${6 + index}`, agent: 'shop "beta"' },
  ]);
  const streams = [
    { stream: { ...labels, pod: 'checkout-1' }, values: json },
    { stream: { ...labels, pod: 'checkout-2' }, values: logfmt },
  ];
  const response = await fetch(`http://127.0.0.1:${loki}/loki/api/v1/push`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ streams }),
  });
  if (response.status !== 204) throw new Error(`push: ${response.status} ${await response.text()}`);
  return { startMs, endMs: startMs + 120_000 };
}
