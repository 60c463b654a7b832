import Type from 'typebox';
import { section } from './kinds.ts';

const truth = (value: boolean, description: string) => Type.Boolean({ default: value, description });
const names = (description: string) => Type.Array(Type.String(), { default: [], description });

/** How OTLP's metrics become Prometheus' series. */
export const otlp = section(
  'How OTLP’s metrics become Prometheus’ series; names and defaults are those of Prometheus’ own section `otlp`.',
  {
    translation_strategy: Type.Union(
      [
        Type.Literal('UnderscoreEscapingWithSuffixes'),
        Type.Literal('UnderscoreEscapingWithoutSuffixes'),
        Type.Literal('NoUTF8EscapingWithSuffixes'),
        Type.Literal('NoTranslation'),
      ],
      {
        default: 'UnderscoreEscapingWithSuffixes',
        description:
          'Whether other characters than letters, digits and underscores become underscores, and whether metrics get unit and type as suffixes.',
      },
    ),
    label_name_underscore_sanitization: truth(
      true,
      'Whether the name of a label that begins with one underscore gets `key` before it.',
    ),
    label_name_preserve_multiple_underscores: truth(
      true,
      'Whether underscores in a row stay in the names of labels, or become one.',
    ),
    promote_resource_attributes: names('Resource attributes that are labels of each series of the resource.'),
    promote_all_resource_attributes: truth(
      false,
      'Whether all are, but `ignore_resource_attributes`; `promote_resource_attributes` then counts for nothing.',
    ),
    ignore_resource_attributes: names('Those that are none where all others are.'),
    keep_identifying_resource_attributes: truth(
      false,
      'Whether `target_info` also has the attributes that `job` and `instance` are made of.',
    ),
    promote_scope_metadata: truth(
      false,
      'Whether a scope’s name, version, schema and attributes are labels `otel_scope_…`.',
    ),
    convert_histograms_to_nhcb: truth(
      false,
      'Whether histograms with explicit bounds become native ones with custom buckets.',
    ),
    native_delta_ingestion: truth(
      false,
      'Whether deltas are stored as they come, with the type `unknown`; else they are refused.',
    ),
  },
);
