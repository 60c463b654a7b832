import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';

/** The shell snippets of the README that talk to a running Varve. */
const snippets = [...readFileSync('README.md', 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)]
  .map((match) => match[1] ?? '')
  .filter((snippet) => snippet.includes('curl'));

let varve: Varve;
beforeAll(async () => {
  varve = await startVarve();
});
afterAll(async () => {
  await varve.stop();
});

/** On the ports of this test's own Varve instead of the usual ones. */
function onOwnPorts(snippet: string): string {
  const { otlp, loki, tempo, prometheus, all } = varve.ports;
  return snippet
    .replaceAll(':4318/', `:${otlp}/`)
    .replaceAll(':3100/', `:${loki}/`)
    .replaceAll(':3200/', `:${tempo}/`)
    .replaceAll(':9090/', `:${prometheus}/`)
    .replaceAll(':8080/', `:${all}/`);
}

describe('the README’s snippets', () => {
  const expected = ['payment declined', 'GET /cart', '"3"', '["shop",1,', '"rowsMatched":1'];

  it('are one for each signal, one for SQL and one that explains', () => {
    expect(snippets).toHaveLength(expected.length);
  });

  it.each(snippets.map((snippet, index) => [index, snippet] as const))(
    'number %i runs and finds what it sent',
    (index, snippet) => {
      const ran = spawnSync('bash', ['--norc', '-euc', onOwnPorts(snippet)], { encoding: 'utf8' });
      expect(ran.stderr).toBe('');
      expect(ran.status).toBe(0);
      expect(ran.stdout).toContain(expected[index]);
    },
  );
});
