/** Parameters of a request; a name with several values is sent several times. */
export type Parameters = Readonly<Record<string, string | readonly string[]>>;

/** An answer as Grafana sees it. */
export interface GrafanaAnswer {
  readonly status: number;
  /** Media type with its parameters, as sent. */
  readonly type: string;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  /** @throws SyntaxError when the body is no JSON */
  json(): unknown;
}

// What each request of Grafana's Go client carries.
const everyRequest = { 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' };

/** GETs with the parameters in the URL, as the Loki and Tempo datasources and all resource calls do. */
export async function get(
  port: number,
  path: string,
  parameters: Parameters = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<GrafanaAnswer> {
  const search = encode(parameters);
  return await send(`http://127.0.0.1:${port}${path}${search === '' ? '' : `?${search}`}`, { headers });
}

/** POSTs a form, as the Prometheus datasource does by default. */
export async function postForm(port: number, path: string, parameters: Parameters): Promise<GrafanaAnswer> {
  return await send(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: encode(parameters),
  });
}

/** POSTs with everything in the URL and an empty body, as the `suggestions` resource does. */
export async function postEmpty(port: number, path: string, parameters: Parameters): Promise<GrafanaAnswer> {
  return await send(`http://127.0.0.1:${port}${path}?${encode(parameters)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
}

function encode(parameters: Parameters): string {
  const search = new URLSearchParams();
  for (const [name, values] of Object.entries(parameters))
    for (const value of [values].flat()) search.append(name, value);
  return search.toString();
}

interface Sent {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function send(url: string, sent: Sent): Promise<GrafanaAnswer> {
  const response = await fetch(url, {
    ...sent,
    headers: { ...everyRequest, ...sent.headers },
    // A redirected POST loses its body: an API must never answer with one.
    redirect: 'error',
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    headers: response.headers,
    bytes,
    text: bytes.toString('utf8'),
    json: () => JSON.parse(bytes.toString('utf8')) as unknown,
  };
}
