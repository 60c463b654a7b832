import Type from 'typebox';
import { bytes, count, milliseconds } from './kinds.ts';

/** Rules for streams or series; the first two names and their meaning are Loki's. */
export const streamRules = (description: string) =>
  Type.Array(
    Type.Object(
      {
        selector: Type.String({ minLength: 2 }),
        priority: Type.Optional(count(0, 'Of several rules that match the one with the highest counts.', 0)),
        max_age_ms: Type.Optional(milliseconds(0, '0 keeps them.', 0)),
        max_bytes: Type.Optional(bytes(0, 'About how much of the segments they may take; 0 keeps them.', 0)),
      },
      { additionalProperties: false },
    ),
    { default: [], description },
  );
