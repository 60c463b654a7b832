import type { FastifyRequest } from 'fastify';
import { explain } from '../../search/index.ts';
import type { QueryAnswer } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import { type Api, type Call, read } from '../api.ts';
import type { QueryApiDeps, QueryApiOptions } from '../options.ts';
import { Params } from '../params.ts';
import { sqlRefusal } from '../sql/errors.ts';
import { flagOf } from './flags.ts';
import { explained, languageOf, languageRefused } from './languages.ts';

/** What a query is planned to do and, where it is asked for, what that took (docs/explain.md). */
export function explainApi(_deps: QueryApiDeps, options: QueryApiOptions): Api {
  return {
    name: 'explain',
    refuse: refused,
    routes: [
      {
        methods: read,
        path: '/varve/api/v1/explain',
        handle: async (call) => await answered(call, options),
      },
    ],
  };
}

async function answered(call: Call, options: QueryApiOptions): Promise<Answer> {
  const { params } = call;
  const language = languageOf(params);
  if (language === undefined) throw languageRefused(params);
  const analyze = flagOf(params, 'analyze');
  const { endpoint, question } = explained[language].plan(call, options);
  const told = {
    language,
    endpoint,
    plan: question === undefined ? 'nothing: all that is asked for is too old' : explain(question.plan),
    tree: question?.plan ?? null,
  };
  const run = analyze && question !== undefined ? await call.ask(question) : undefined;
  return jsonAnswer(run === undefined ? told : { ...told, ...analyzed(run) });
}

/** What a query took. */
function analyzed({ stats, warnings, empty, body }: QueryAnswer): object {
  return { stats, warnings, answer: { empty, bytes: body.length } };
}

/** In the words of the language's own API; of no language's, in those of Varve's own. */
function refused(error: unknown, request: FastifyRequest): Answer {
  const form = typeof request.body === 'string' ? request.body : '';
  const language = languageOf(new Params(request.url, form));
  return language === undefined ? sqlRefusal(error) : explained[language].refuse(error);
}

function jsonAnswer(value: object): Answer {
  return {
    status: 200,
    contentType: 'application/json',
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  };
}
