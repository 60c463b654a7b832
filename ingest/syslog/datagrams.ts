import { SyslogDatagrams } from '../../native/index.ts';
import type { SyslogOptions } from '../options.ts';
import type { SocketReceiver } from '../receiver.ts';
import type { SyslogStoring } from './storing.ts';

/** Syslog over UDP. Native code reads the socket; here its batches go to the store, one after the other. */
export class SyslogUdp implements SocketReceiver {
  readonly #options: SyslogOptions;
  readonly #storing: SyslogStoring;
  #datagrams: SyslogDatagrams | undefined;
  #stored: Promise<void> = Promise.resolve();

  constructor(options: SyslogOptions, storing: SyslogStoring) {
    this.#options = options;
    this.#storing = storing;
  }

  /** Datagrams since the start; those dropped came while too many bytes waited. */
  counts(): { readonly received: number; readonly dropped: number } {
    return this.#datagrams?.counts() ?? { received: 0, dropped: 0 };
  }

  async listen(host: string, port: number): Promise<number> {
    this.#datagrams = await SyslogDatagrams.open({ host, port }, this.#options);
    this.#stored = this.#storeAll(this.#datagrams);
    return this.#datagrams.port;
  }

  async drain(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#storing.giveUp();
    }, timeoutMs);
    this.#datagrams?.close();
    await this.#stored;
    clearTimeout(timer);
  }

  async #storeAll(datagrams: SyslogDatagrams): Promise<void> {
    for (let body = await datagrams.take(); body !== null; body = await datagrams.take())
      await this.#storing.store(body);
  }
}
