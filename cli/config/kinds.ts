import Type from 'typebox';

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const minuteMs = 60_000;

/** Where something listens. */
export const port = (standard: number, what: string) =>
  Type.Union([Type.Integer({ minimum: 0, maximum: 65_535 }), Type.Literal('off')], {
    default: standard,
    description: `${what}; 0 takes any free port, \`off\` opens none.`,
  });
/** A size in bytes. */
export const bytes = (standard: number, description: string, minimum = 1024) =>
  Type.Integer({ default: standard, minimum, maximum: Number.MAX_SAFE_INTEGER, description });
/** A time in milliseconds. */
export const milliseconds = (standard: number, description: string, minimum = 1) =>
  Type.Integer({ default: standard, minimum, maximum: Number.MAX_SAFE_INTEGER, description });
/** How many of something. */
export const count = (standard: number, description: string, minimum = 1, maximum = 4_294_967_295) =>
  Type.Integer({ default: standard, minimum, maximum, description });
/** Settings that belong together; any other name among them is an error. */
export const section = <T extends Record<string, Type.TSchema>>(description: string, settings: T) =>
  Type.Object(settings, { additionalProperties: false, description });
