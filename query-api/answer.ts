import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

/** A whole response. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export function textAnswer(status: number, text: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: Buffer.from(text) };
}

const gzipAsync = promisify(gzip);

/** Whether `Accept-Encoding` allows gzip; `gzip;q=0` does not. */
export function acceptsGzip(header: string | readonly string[] | undefined): boolean {
  const list = typeof header === 'string' ? header : (header ?? []).join(',');
  return list.split(',').some((entry) => {
    const [coding = '', ...attributes] = entry.split(';').map((part) => part.trim().toLowerCase());
    return (coding === 'gzip' || coding === '*') && !attributes.some((a) => /^q=0(?:\.0*)?$/.test(a));
  });
}

/** The body as gzip. The fastest level: answers are JSON, which level 1 already shrinks about tenfold. */
export async function compressed(body: Buffer): Promise<Buffer> {
  return await gzipAsync(body, { level: constants.Z_BEST_SPEED });
}
