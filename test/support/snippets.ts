import { readFileSync } from 'node:fs';
import type { Ports } from './varve.ts';

/** The ports that the documents name, which are the defaults of the settings. */
const usualPorts = {
  grpc: 4317,
  otlp: 4318,
  loki: 3100,
  tempo: 3200,
  all: 8080,
  prometheus: 9090,
  zipkin: 9411,
  elasticsearch: 9200,
  syslogTcp: 5514,
} as const satisfies Partial<Record<keyof Ports, number>>;

/**
 * What people copy from a document: the fenced blocks of one language below a heading, in their order, on a
 * test's ports instead of the usual ones.
 */
export function snippetsOf(
  heading: string,
  language: 'yaml' | 'sh' | 'js',
  ports: Ports,
  document: 'docs/senders.md' | 'docs/readers.md' = 'docs/senders.md',
): string[] {
  const section = readFileSync(document, 'utf8')
    .split(/^## /m)
    .find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${document} has no heading ${heading}`);
  return [...section.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map((block) =>
    onPorts(block[1] ?? '', ports),
  );
}

/** The same of docs/receivers.md: the indented block that begins so, with this machine for the one that it names. */
export function indentedSnippetOf(beginning: string, ports: Ports): string {
  const blocks = readFileSync('docs/receivers.md', 'utf8')
    .split(/\n\n/)
    .filter((block) => block.startsWith('    '))
    .map((block) => block.replaceAll(/^ {4}/gm, ''));
  const snippet = blocks.find((block) => block.startsWith(beginning));
  if (snippet === undefined) throw new Error(`docs/receivers.md has no snippet that begins ${beginning}`);
  return onPorts(snippet.replaceAll('varve.example', '127.0.0.1'), ports);
}

/** A text that names usual ports, with a test's own instead. */
export function onPorts(snippet: string, ports: Ports): string {
  const names = Object.keys(usualPorts) as (keyof typeof usualPorts)[];
  return names.reduce(
    (text, name) => text.replaceAll(new RegExp(`\\b${usualPorts[name]}\\b`, 'g'), String(ports[name])),
    snippet,
  );
}
