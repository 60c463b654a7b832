import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort, goProgram, type Program, startProgram } from './programs.ts';
import { snippetsOf } from './snippets.ts';
import { type Ports, temporaryFolder } from './varve.ts';

/** Which exporters of docs/senders.md carry each signal of one pipeline. */
export interface Pipeline {
  readonly logs: string;
  readonly traces: string;
  readonly metrics: string;
}

export interface Collector extends Program {
  /** The port of a pipeline's own OTLP receiver, over HTTP. */
  readonly ports: ReadonlyMap<string, number>;
}

/** Starts a Collector with the exporters that docs/senders.md has, and with pipelines by their names. */
export async function startCollector(
  ports: Ports,
  pipelines: Readonly<Record<string, Pipeline>>,
): Promise<Collector> {
  const folder = temporaryFolder();
  const received = new Map<string, number>();
  for (const name of Object.keys(pipelines)) received.set(name, await freePort());
  const files = [
    ...snippetsOf('OpenTelemetry Collector', 'yaml', ports),
    JSON.stringify(serviceOf(pipelines, received)),
  ];
  const args = files.flatMap((text, index) => {
    writeFileSync(join(folder, `${index}.yaml`), text);
    return ['--config', `file:${index}.yaml`];
  });
  const program = startProgram(goProgram('collector'), args, folder);
  await vi.waitFor(
    () => {
      if (!program.output().includes('Everything is ready')) throw new Error(program.output());
    },
    { timeout: 20_000, interval: 50 },
  );
  return { ...program, ports: received };
}

function serviceOf(pipelines: Readonly<Record<string, Pipeline>>, received: ReadonlyMap<string, number>) {
  const names = Object.entries(pipelines);
  return {
    receivers: Object.fromEntries(
      names.map(([name]) => [
        `otlp/${name}`,
        { protocols: { http: { endpoint: `127.0.0.1:${received.get(name) ?? 0}` } } },
      ]),
    ),
    service: {
      pipelines: Object.fromEntries(
        names.flatMap(([name, exporters]) =>
          Object.entries(exporters).map(([signal, exporter]) => [
            `${signal}/${name}`,
            { receivers: [`otlp/${name}`], exporters: [exporter as string] },
          ]),
        ),
      ),
      // Its own metrics would be on a port that every Collector takes.
      telemetry: { metrics: { level: 'none' } },
    },
  };
}
