import leven from 'leven';
import type Type from 'typebox';
import { ConfigSchema } from './schema.ts';

/** One setting of the schema, under the names by which people set it. */
export interface Setting {
  /** As in the file: `listen.loki_port`. */
  readonly name: string;
  readonly path: readonly string[];
  /** `VARVE_LISTEN_LOKI_PORT`. */
  readonly variable: string;
  /** `listen-loki-port`, without the dashes before it. */
  readonly flag: string;
  readonly schema: Type.TSchema & { readonly default?: unknown; readonly description?: string };
}

interface Section {
  readonly properties: Readonly<Record<string, Type.TSchema>>;
}

/** Every setting, in the order of the schema. */
export const settings: readonly Setting[] = leavesOf(ConfigSchema, []);

/** Names of the sections: `listen`, `log`, …. */
export const sections: readonly string[] = Object.entries(ConfigSchema.properties)
  .filter(([, schema]) => isSection(schema))
  .map(([name]) => name);

/** The known name nearest to one that is not known; undefined when nothing comes near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: leven(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(1, name.length / 3) ? best.candidate : undefined;
}

function leavesOf(section: Section, above: readonly string[]): Setting[] {
  return Object.entries(section.properties).flatMap(([key, schema]) => {
    const path = [...above, key];
    if (isSection(schema)) return leavesOf(schema, path);
    return [
      {
        name: path.join('.'),
        path,
        variable: `VARVE_${path.join('_').toUpperCase()}`,
        flag: path.join('-').replaceAll('_', '-'),
        schema,
      },
    ];
  });
}

function isSection(schema: object): schema is Section {
  return 'properties' in schema;
}
