import { type Answer, textAnswer } from './answer.ts';
import { type Api, get, type Handler, type Route } from './api.ts';
import { clientFaultStatus } from './errors.ts';
import type { QueryApiDeps } from './options.ts';

/** Whether Varve lives and answers, in the words of all three peers. */
export function healthApi({ isReady, storage, build }: QueryApiDeps): Api {
  const readiness =
    (text: string): Handler =>
    () =>
      isReady()
        ? textAnswer(200, text)
        : textAnswer(503, 'Service Unavailable: Varve is starting or stopping\n');
  return {
    name: 'health',
    refuse: (error) => textAnswer(clientFaultStatus(error) ?? 500, 'status could not be read\n'),
    routes: [
      open('/ready', readiness('ready\n')),
      open('/-/ready', readiness('Varve is Ready.\n')),
      open('/-/healthy', () => textAnswer(200, 'Varve is Healthy.\n')),
      open('/status', () => jsonAnswer(storage.status())),
      open('/status/version', () => textAnswer(200, `varve ${build.version} (revision ${build.revision})\n`)),
    ],
  };
}

function open(path: string, handle: Handler): Route {
  return { methods: get, path, access: 'open', handle };
}

function jsonAnswer(value: object): Answer {
  return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}
