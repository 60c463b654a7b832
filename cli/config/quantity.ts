import Type from 'typebox';

// Settings that keep the names of the DLog paper carry their unit in the value: `1GiB`, `5s`.

const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Bytes of a size such as `64MiB`; undefined for text that is none. */
export function sizeBytes(text: string): number | undefined {
  return quantity(text, sizeUnits);
}

/** Milliseconds of a duration such as `5s`; undefined for text that is none. */
export function durationMs(text: string): number | undefined {
  return quantity(text, durationUnits);
}

/** A setting that is a size, between two sizes. */
export function size(standard: string, [least, most]: readonly [string, string], description: string) {
  return bounded(sizeBytes, { standard, least, most, description, units: sizeUnits });
}

/** A setting that is a duration, between two durations. */
export function duration(standard: string, [least, most]: readonly [string, string], description: string) {
  return bounded(durationMs, { standard, least, most, description, units: durationUnits });
}

/** What the schema has checked already. */
export function known(value: number | undefined): number {
  if (value === undefined) throw new TypeError('a setting passed its check without being a quantity');
  return value;
}

interface Bounded {
  readonly standard: string;
  readonly least: string;
  readonly most: string;
  readonly description: string;
  readonly units: Readonly<Record<string, number>>;
}

function bounded(read: (text: string) => number | undefined, { least, most, units, ...of }: Bounded) {
  const [min, max] = [known(read(least)), known(read(most))];
  const must = `must be from ${least} to ${most}, as a number and one of ${Object.keys(units).join(', ')}`;
  const text = Type.String({ default: of.standard, description: of.description });
  return Type.Refine(
    text,
    (value: string) => {
      const amount = read(value);
      return amount !== undefined && amount >= min && amount <= max;
    },
    () => must,
  );
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d{1,15}) ?([A-Za-z]+)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
