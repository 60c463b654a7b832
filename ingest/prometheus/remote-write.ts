import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyEncoding, Receipt } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';
import { refuseOtherMethods } from '../methods.ts';
import { answerText, plainTextStatus, refuseInText } from '../plain-text.ts';
import { contentEncodingOf, leaveBodiesUnread, type Receiver } from '../receiver.ts';

const encodings: Readonly<Record<string, BodyEncoding>> = {
  // The specification asks for the header, some senders leave it out and compress all the same.
  '': 'snappy',
  snappy: 'snappy',
  gzip: 'gzip',
  zstd: 'zstd',
};

/**
 * What costs no success: series with bad labels in 1.0 (Prometheus drops and counts them), exemplars in
 * both. All are counted in the metrics, and in the headers of 2.0.
 */
const silentReasons: Readonly<Record<Version, ReadonlySet<string>>> = {
  remoteWriteV1: new Set(['labelsInvalid', 'exemplarInvalid']),
  remoteWriteV2: new Set(['exemplarInvalid']),
};

type Version = 'remoteWriteV1' | 'remoteWriteV2';

/** `proto=` of the content type, in lower case, and what it says the body is. */
const versions: Readonly<Record<string, Version>> = {
  'prometheus.writerequest': 'remoteWriteV1',
  'io.prometheus.write.v2.request': 'remoteWriteV2',
};

/** Prometheus' own, and Mimir's. */
const paths = ['/api/v1/write', '/api/v1/push'] as const;

/** Prometheus remote write (Remote-Write specifications 1.0 and 2.0). */
export const remoteWrite: Receiver = {
  name: 'remoteWrite',
  register(app, intake) {
    leaveBodiesUnread(app);
    refuseOtherMethods(app, paths);
    for (const path of paths) {
      app.post(path, async (request, reply) => {
        const version = versionOf(request);
        try {
          const declared = { format: supported(request, version), encoding: encodingOf(request) };
          return await answer(reply, declared.format, await intake.http(remoteWrite.name, request, declared));
        } catch (thrown) {
          // Nothing was stored, and a sender of 2.0 is told so.
          if (version === 'remoteWriteV2') tellWritten(reply, { accepted: 0, histograms: 0, exemplars: 0 });
          return await refuseInText(reply, thrown, plainTextStatus, intake);
        }
      });
    }
  },
};

/** The version that the content type names; without a type or parameter 1.0, for another type none. */
function versionOf(request: FastifyRequest): Version | undefined {
  const [media = '', ...parameters] = (request.headers['content-type'] ?? 'application/x-protobuf')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const proto = parameters.find((parameter) => parameter.startsWith('proto='))?.slice('proto='.length);
  if (media !== 'application/x-protobuf') return undefined;
  return versions[proto?.replaceAll('"', '') ?? 'prometheus.writerequest'];
}

function supported(request: FastifyRequest, version: Version | undefined): Version {
  if (version !== undefined) return version;
  // Senders fall back to another version only on this status.
  throw new IngestError(
    'MEDIA_TYPE_UNSUPPORTED',
    `content type '${request.headers['content-type'] ?? ''}' is not application/x-protobuf with proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request`,
  );
}

function encodingOf(request: FastifyRequest): BodyEncoding {
  const name = contentEncodingOf(request);
  const encoding = encodings[name];
  if (encoding === undefined)
    throw new IngestError('ENCODING_UNSUPPORTED', `content encoding '${name}' is not snappy, gzip or zstd`);
  return encoding;
}

async function answer(reply: FastifyReply, version: Version, receipt: Receipt): Promise<FastifyReply> {
  if (version === 'remoteWriteV2') tellWritten(reply, receipt);
  const told = receipt.refused.filter(({ reason }) => !silentReasons[version].has(reason));
  if (told.length === 0) return await reply.code(204).send();
  const lines = told.map(({ message, count }) =>
    count === 1 ? message : `${message} (and ${count - 1} more)`,
  );
  return await answerText(reply, 400, lines.join('; '));
}

/** What is durable. A sender of 2.0 logs an error where it sent more. */
function tellWritten(
  reply: FastifyReply,
  { accepted, histograms, exemplars }: Pick<Receipt, 'accepted' | 'histograms' | 'exemplars'>,
): void {
  const written = { Samples: accepted - histograms, Histograms: histograms, Exemplars: exemplars };
  for (const [kind, count] of Object.entries(written))
    reply.header(`X-Prometheus-Remote-Write-${kind}-Written`, String(count));
}
