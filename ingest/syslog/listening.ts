import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Makes a server listen; resolves to its port, which was free if 0 was asked for. */
export async function listening(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port });
  // Rejects with what `error` brings, such as a port in use.
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
