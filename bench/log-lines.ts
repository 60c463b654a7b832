import type { Random } from './random.ts';

/** What a line is made of. */
export interface LineFacts {
  readonly level: 'INFO' | 'WARN' | 'ERROR';
  readonly status: number;
  readonly method: string;
  readonly route: string;
  readonly user: number;
  readonly durationMs: number;
  readonly timeMs: number;
}

const routes = [
  '/api/v1/cart',
  '/api/v1/orders',
  '/api/v1/products',
  '/api/v1/users',
  '/api/v1/payments',
  '/healthz',
] as const;

export function lineFacts(random: Random, timeMs: number): LineFacts {
  const chance = random.below(1_000);
  const status = chance < 20 ? 500 : chance < 60 ? 404 : chance < 100 ? 302 : 200;
  return {
    level: status === 500 ? 'ERROR' : status === 404 ? 'WARN' : 'INFO',
    status,
    method: random.pick(['GET', 'GET', 'GET', 'POST', 'PUT']),
    route: random.pick(routes),
    user: random.below(50_000),
    durationMs: Math.floor(Math.exp(random.below(800) / 100)) / 4,
    timeMs,
  };
}

/** A log line of about 200 bytes as one of three kinds of programs writes it: access log, logfmt, JSON. */
export function logLine(facts: LineFacts, random: Random): string {
  switch (random.pick(['access', 'logfmt', 'json'] as const)) {
    case 'access':
      return accessLine(facts, random);
    case 'logfmt':
      return logfmtLine(facts, random);
    case 'json':
      return jsonLine(facts, random);
  }
}

function accessLine({ method, route, status, durationMs, timeMs, user }: LineFacts, random: Random): string {
  const agent = random.pick([
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Safari/605.1.15',
    'curl/8.9.1',
    'okhttp/4.12.0 (Android 15; Pixel 9)',
  ]);
  const address = `10.${random.below(4)}.${random.below(256)}.${random.below(256)}`;
  const time = new Date(timeMs).toISOString();
  const size = 200 + random.below(20_000);
  return `${address} - u${user} [${time}] "${method} ${route}/${random.below(100_000)} HTTP/1.1" ${status} ${size} "https://shop.example.com${route}" "${agent}" rt=${durationMs / 1_000}`;
}

function logfmtLine(facts: LineFacts, random: Random): string {
  const { level, method, route, status, durationMs, timeMs, user } = facts;
  const order = random.next().toString(16).padStart(8, '0');
  const message =
    status === 500
      ? 'upstream request failed: connection reset by peer'
      : random.pick(['request finished', 'order stored', 'cache refreshed after miss', 'session renewed']);
  return `ts=${new Date(timeMs).toISOString()} level=${level.toLowerCase()} caller=handler.go:${random.below(400)} msg="${message}" method=${method} path=${route} status=${status} duration=${durationMs}ms user=u${user} order=ord-${order} attempt=${random.below(3)}`;
}

function jsonLine({ level, route, status, durationMs, user }: LineFacts, random: Random): string {
  return JSON.stringify({
    level: level.toLowerCase(),
    msg: status === 500 ? 'payment declined by the acquirer' : 'payment accepted',
    path: route,
    status,
    user: `u${user}`,
    order: `ord-${random.next().toString(16).padStart(8, '0')}`,
    amount: random.below(100_000) / 100,
    currency: random.pick(['EUR', 'USD', 'GBP', 'JPY']),
    duration_ms: durationMs,
    retries: random.below(3),
  });
}
