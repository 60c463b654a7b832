import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import type { Config } from './config/schema.ts';

/** A server whose certificate can be changed under it: connections that are open stay. */
interface SecureServer {
  setSecureContext(options: SecureContextOptions): void;
}

interface CertificatesLog {
  info(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

type TlsConfig = Config['tls'];

/** What the files hold, as node's servers take it. */
interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

/** Files that cannot serve; each problem names its setting. */
export class TlsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'TlsError';
    this.problems = problems;
  }
}

/** Whether ports speak TLS. */
export function isEncrypted({ cert_file }: TlsConfig): boolean {
  return cert_file !== '';
}

/** The certificate of every port, looked at again and again for a new one. */
export class Certificates {
  readonly #config: TlsConfig;
  readonly #log: CertificatesLog;
  readonly #servers = new Set<SecureServer>();
  readonly #timer: NodeJS.Timeout;
  #files: TlsFiles;
  #problem = '';

  /** @throws TlsError */
  constructor(config: TlsConfig, log: CertificatesLog) {
    this.#config = config;
    this.#log = log;
    this.#files = readTlsFiles(config);
    // Looking is surer than being told: secrets are often mounted as links whose target changes.
    this.#timer = setInterval(() => {
      this.#reload();
    }, config.reload_interval_ms);
    this.#timer.unref();
  }

  /** What a TLS server is made with. */
  get options(): TlsOptions {
    const asksForCertificate = this.#config.client_ca_file !== '';
    return {
      ...this.#context(),
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
      handshakeTimeout: this.#config.handshake_timeout_ms,
    };
  }

  /** When the certificate in use ends, in milliseconds since 1970. */
  get endsMs(): number {
    return new X509Certificate(this.#files.cert).validToDate.getTime();
  }

  /** Gives the server each new certificate from now on. */
  follow(server: SecureServer): void {
    this.#servers.add(server);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #context(): SecureContextOptions {
    return { ...this.#files, minVersion: this.#config.min_version };
  }

  #reload(): void {
    const { cert_file: certFile } = this.#config;
    try {
      const files = readTlsFiles(this.#config);
      this.#problem = '';
      if (areSame(files, this.#files)) return;
      this.#files = files;
      for (const server of this.#servers) server.setSecureContext(this.#context());
      this.#log.info({ certFile, ends: new Date(this.endsMs).toISOString() }, 'new certificate in use');
    } catch (thrown) {
      // Files are replaced one after the other, so for a moment they may not fit; told once, not each time.
      const problem = String(thrown);
      if (problem !== this.#problem)
        this.#log.error({ certFile, err: thrown }, 'new certificate cannot be used; the old one stays');
      this.#problem = problem;
    }
  }
}

/**
 * Reads the files of `tls` and tries whether they fit each other.
 *
 * @throws TlsError naming the setting of each file that is missing, cannot be read or is something else
 */
export function readTlsFiles({ cert_file, key_file, client_ca_file }: TlsConfig): TlsFiles {
  const problems: string[] = [];
  const read = (setting: string, file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (thrown) {
      problems.push(`tls.${setting} '${file}' cannot be read: ${reasonOf(thrown)}`);
      return Buffer.alloc(0);
    }
  };
  const cert = read('cert_file', cert_file);
  const key = read('key_file', key_file);
  const ca = client_ca_file === '' ? undefined : read('client_ca_file', client_ca_file);
  if (problems.length === 0) {
    problems.push(
      ...authorityProblems(ca, client_ca_file),
      ...pairProblems({ cert, key }, cert_file, key_file),
    );
  }
  if (problems.length > 0) throw new TlsError(problems);
  return { cert, key, ...(ca && { ca }) };
}

function authorityProblems(ca: Buffer | undefined, caFile: string): string[] {
  if (ca === undefined) return [];
  try {
    new X509Certificate(ca);
    return [];
  } catch (thrown) {
    return [`tls.client_ca_file '${caFile}' holds no certificate in PEM: ${reasonOf(thrown)}`];
  }
}

function pairProblems({ cert, key }: TlsFiles, certFile: string, keyFile: string): string[] {
  const tried = [
    [{ cert }, `tls.cert_file '${certFile}' holds no certificate in PEM`],
    [{ key }, `tls.key_file '${keyFile}' holds no key in PEM without a passphrase`],
    [{ cert, key }, `tls.key_file '${keyFile}' is not the key of tls.cert_file '${certFile}'`],
  ] as const;
  for (const [options, problem] of tried) {
    try {
      createSecureContext(options);
    } catch (thrown) {
      return [`${problem}: ${reasonOf(thrown)}`];
    }
  }
  return [];
}

/** What OpenSSL or the system says, in one line. */
function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.split('\n', 1)[0] ?? '';
}

function areSame(a: TlsFiles, b: TlsFiles): boolean {
  const equal = (one: Buffer | undefined, other: Buffer | undefined) =>
    Buffer.compare(one ?? Buffer.alloc(0), other ?? Buffer.alloc(0)) === 0;
  return equal(a.cert, b.cert) && equal(a.key, b.key) && equal(a.ca, b.ca);
}
