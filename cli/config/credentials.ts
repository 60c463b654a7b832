import Type from 'typebox';

const scopes = Type.Array(
  Type.Union([Type.Literal('write'), Type.Literal('read'), Type.Literal('metrics')]),
  { minItems: 1 },
);

/** N is a power of two from 2^10 to 2^20, r and p are 1 to 16: less is too weak, more would hold a core for seconds. */
const scryptHash =
  '^scrypt\\$(1024|2048|4096|8192|16384|32768|65536|131072|262144|524288|1048576)' +
  '\\$([1-9]|1[0-6])\\$([1-9]|1[0-6])\\$[A-Za-z0-9+/]{11,}={0,2}\\$[A-Za-z0-9+/]{22,}={0,2}$';

/** Tokens of a tenant, by their hash: a token is long and random, so that one round of SHA-256 is enough. */
export const Tokens = Type.Array(
  Type.Object(
    { sha256: Type.String({ pattern: '^[0-9a-fA-F]{64}$' }), scopes },
    { additionalProperties: false },
  ),
);

/** Users of a tenant by name; `varve config hash-password` makes the hash. */
export const Users = Type.Record(
  Type.String({ minLength: 1 }),
  Type.Object({ password: Type.String({ pattern: scryptHash }), scopes }, { additionalProperties: false }),
);
