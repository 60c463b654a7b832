import type { Varve } from './varve.ts';

let lastNanos = 0n;

/** Pushes lines of one stream, each a nanosecond or more after the one before. */
export async function pushLines(
  { ports }: Varve,
  stream: Readonly<Record<string, string>>,
  lines: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const now = BigInt(Date.now()) * 1_000_000n;
  if (now > lastNanos) lastNanos = now;
  const values = lines.map((line) => {
    lastNanos += 1n;
    return [String(lastNanos), line];
  });
  const response = await fetch(`http://127.0.0.1:${ports.loki}/loki/api/v1/push`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ streams: [{ stream, values }] }),
  });
  if (response.status !== 204) throw new Error(`push: ${response.status} ${await response.text()}`);
}
