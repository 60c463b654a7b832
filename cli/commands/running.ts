import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import type { StoreStatus } from '../../storage/index.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { isEncrypted, readTlsFiles } from '../tls.ts';

const timeoutMs = 5_000;

/**
 * The state of the Varve that runs with this configuration.
 *
 * @throws ConfigError; Error when nothing answers on `listen.http_port`
 */
export async function readStatus(sources: ConfigSources): Promise<StoreStatus> {
  const { listen, tls } = loadConfig(sources).config;
  const { host, http_port: port } = listen;
  if (port === 'off' || port === 0)
    throw new Error("which port to ask is not known; give Varve's with --listen-http-port");
  return await read(`${host.includes(':') ? `[${host}]` : host}:${port}/status`, tls);
}

async function read(place: string, tls: Config['tls']): Promise<StoreStatus> {
  const address = `${isEncrypted(tls) ? 'https' : 'http'}://${place}`;
  const signal = AbortSignal.timeout(timeoutMs);
  let response: IncomingMessage;
  try {
    const request = isEncrypted(tls)
      ? getHttps(address, { signal, ...trusting(tls) })
      : getHttp(address, { signal });
    [response] = (await once(request, 'response')) as [IncomingMessage];
  } catch (thrown) {
    throw new Error(`nothing answers at ${address}; is Varve running, and is --listen-http-port its port?`, {
      cause: thrown,
    });
  }
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`${address} answered ${response.statusCode}: ${body}`);
  return JSON.parse(body) as StoreStatus;
}

/** It is our own Varve if it shows the certificate of our configuration, whatever name that is for. */
function trusting(tls: Config['tls']): RequestOptions {
  const { cert, key } = readTlsFiles(tls);
  const { fingerprint256 } = new X509Certificate(cert);
  return {
    cert,
    key,
    ca: cert,
    // The certificate's authority need not be known here: it is compared itself.
    allowPartialTrustChain: true,
    checkServerIdentity: (_host, shown) =>
      shown.fingerprint256 === fingerprint256
        ? undefined
        : new Error('another certificate than tls.cert_file is shown'),
  };
}
