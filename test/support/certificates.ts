import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './varve.ts';

/** A certificate and its key, as files in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs, made by openssl. */
export interface Authority {
  /** Its own certificate. */
  readonly cert: string;
  /** Signs one for `name`, also for 127.0.0.1; with -1 days it has ended. */
  sign(name: string, days?: number): Pair;
}

const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

export function makeAuthority(name: string): Authority {
  const folder = temporaryFolder();
  const file = (of: string) => join(folder, of);
  const authority = { cert: file('authority.pem'), key: file('authority.key') };
  openssl(
    ...['req', '-x509', ...elliptic, '-days', '30', '-subj', `/CN=${name}`],
    ...['-keyout', authority.key, '-out', authority.cert],
  );
  const extensions = file('extensions');
  writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  let signed = 0;
  return {
    cert: authority.cert,
    sign: (subject, days = 30) => {
      signed += 1;
      const pair = { cert: file(`${signed}.pem`), key: file(`${signed}.key`) };
      const request = file(`${signed}.request`);
      openssl('req', ...elliptic, '-subj', `/CN=${subject}`, '-keyout', pair.key, '-out', request);
      openssl(
        ...['x509', '-req', '-in', request, '-CA', authority.cert, '-CAkey', authority.key],
        ...['-CAcreateserial', '-extfile', extensions, '-out', pair.cert],
        ...['-days', String(days)],
      );
      return pair;
    },
  };
}

/** Puts one file in another's place, as a renewal does. */
export function replaceFile(file: string, by: string): void {
  copyFileSync(by, `${file}.new`);
  renameSync(`${file}.new`, file);
}
