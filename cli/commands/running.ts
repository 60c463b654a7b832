import type { StoreStatus } from '../../storage/index.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';

const timeoutMs = 5_000;

/**
 * The state of the Varve that runs with this configuration.
 *
 * @throws ConfigError; Error when nothing answers on `listen.http_port`
 */
export async function readStatus(sources: ConfigSources): Promise<StoreStatus> {
  const { host, http_port: port } = loadConfig(sources).config.listen;
  if (port === 'off' || port === 0)
    throw new Error("which port to ask is not known; give Varve's with --listen-http-port");
  return await read(`http://${host.includes(':') ? `[${host}]` : host}:${port}/status`);
}

async function read(address: string): Promise<StoreStatus> {
  let response: Response;
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
  } catch (thrown) {
    throw new Error(`nothing answers at ${address}; is Varve running, and is --listen-http-port its port?`, {
      cause: thrown,
    });
  }
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as StoreStatus;
}
