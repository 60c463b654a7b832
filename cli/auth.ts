import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { Config } from './config/schema.ts';

/** What a sender or reader may do. `metrics` is `/metrics`, which tells of all tenants. */
export type Scope = 'write' | 'read' | 'metrics';

/** What a request says of who sends it. */
export interface Claim {
  /** `Authorization`; empty where there is none. */
  readonly authorization: string;
  /** `X-Scope-OrgID`; empty where there is none. */
  readonly orgId: string;
  readonly scope: Scope;
}

/** The tenants that a request may act for, as `X-Scope-OrgID` names them, or why it may not. */
export type Verdict =
  | { readonly orgId: string }
  | { readonly refused: 'unauthenticated' | 'forbidden' | 'busy'; readonly message: string };

export type Authenticate = (claim: Claim) => Promise<Verdict>;

/** What a token or user may do, by tenant. */
type Grants = ReadonlyMap<string, ReadonlySet<Scope>>;

interface User {
  readonly password: ScryptHash;
  readonly grants: Grants;
}

/** `scrypt$N$r$p$salt$hash`, the last two in base64. */
interface ScryptHash {
  readonly cost: { readonly N: number; readonly r: number; readonly p: number };
  readonly salt: Buffer;
  readonly hash: Buffer;
}

// RFC 7914's figures for logging in: 16 MiB and some 50 ms for each try.
const standardCost = { N: 16_384, r: 8, p: 1 };
const saltBytes = 16;
const hashBytes = 32;
/** Passwords checked or waiting to be: whoever guesses must not take all cores. */
const checksMax = 32;
/** Passwords found right are remembered, as a sender shows its own with every request. */
const rememberedMax = 1_000;

/** Whether any credentials are configured; without them nobody is asked. */
export function asksForCredentials({ tenants }: Pick<Config, 'tenants'>): boolean {
  return Object.values(tenants).some(
    ({ tokens, users }) => (tokens ?? []).length > 0 || Object.keys(users ?? {}).length > 0,
  );
}

/** Who may do what, from the configuration; undefined where nobody is asked. */
export function createAuthenticate(config: Pick<Config, 'tenants'>): Authenticate | undefined {
  if (!asksForCredentials(config)) return undefined;
  const tokens = tokensOf(config);
  const passwords = new Passwords(usersOf(config));
  return async ({ authorization, orgId, scope }) => {
    const [scheme = '', secret = ''] = authorization.trim().split(/\s+/, 2);
    let grants: Grants | undefined | 'busy';
    // Elasticsearch's clients know tokens as keys.
    if (/^(?:bearer|apikey)$/i.test(scheme)) grants = grantsOfToken(tokens, secret);
    else if (/^basic$/i.test(scheme)) grants = await passwords.grantsOf(secret);
    if (grants === 'busy')
      return { refused: 'busy', message: 'too many passwords are being checked; try again' };
    if (grants !== undefined) return verdictOf(grants, orgId, scope);
    const message =
      scheme === ''
        ? 'authentication needed: send Authorization with a token (Bearer) or a user and password (Basic)'
        : 'the credentials are not known';
    return { refused: 'unauthenticated', message };
  };
}

/** A password as the configuration holds it. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const { N, r, p } = standardCost;
  const hash = await derive(password, { cost: standardCost, salt, hash: Buffer.alloc(hashBytes) });
  return ['scrypt', N, r, p, salt.toString('base64'), hash.toString('base64')].join('$');
}

function verdictOf(grants: Grants, orgId: string, scope: Scope): Verdict {
  if (scope === 'metrics') {
    if ([...grants.values()].some((scopes) => scopes.has('metrics'))) return { orgId };
    return { refused: 'forbidden', message: "these credentials lack the scope 'metrics'" };
  }
  const granted = [...grants.keys()];
  if (orgId === '' && granted.length > 1) {
    const message = 'these credentials are of several tenants; X-Scope-OrgID must say which is meant';
    return { refused: 'forbidden', message };
  }
  const named = orgId === '' ? granted : orgId.split('|');
  const closed = named.find((tenant) => grants.get(tenant)?.has(scope) !== true);
  if (closed === undefined) return { orgId: named.join('|') };
  return {
    refused: 'forbidden',
    message: `these credentials may not ${scope} for tenant '${closed.slice(0, 150)}'`,
  };
}

interface Token {
  readonly sha256: Buffer;
  readonly grants: Grants;
}

function tokensOf({ tenants }: Pick<Config, 'tenants'>): Token[] {
  const grantsBySha256 = new Map<string, Map<string, ReadonlySet<Scope>>>();
  for (const [tenant, { tokens }] of Object.entries(tenants)) {
    for (const { sha256, scopes } of tokens ?? []) {
      const key = sha256.toLowerCase();
      const grants = grantsBySha256.get(key) ?? new Map<string, ReadonlySet<Scope>>();
      grantsBySha256.set(key, grants.set(tenant, new Set(scopes)));
    }
  }
  return [...grantsBySha256].map(([sha256, grants]) => ({ sha256: Buffer.from(sha256, 'hex'), grants }));
}

/** Compares with every token in the same time, whichever matches. */
function grantsOfToken(tokens: readonly Token[], secret: string): Grants | undefined {
  const sha256 = createHash('sha256').update(secret).digest();
  let found: Grants | undefined;
  for (const token of tokens) if (timingSafeEqual(token.sha256, sha256)) found = token.grants;
  return found;
}

function usersOf({ tenants }: Pick<Config, 'tenants'>): Map<string, User[]> {
  const users = new Map<string, User[]>();
  for (const [tenant, { users: own }] of Object.entries(tenants)) {
    for (const [name, { password, scopes }] of Object.entries(own ?? {})) {
      const user = { password: parseHash(password), grants: new Map([[tenant, new Set(scopes)]]) };
      users.set(name, [...(users.get(name) ?? []), user]);
    }
  }
  return users;
}

/** Checks users' passwords. One name may stand under several tenants, with one password or several. */
class Passwords {
  readonly #users: ReadonlyMap<string, readonly User[]>;
  readonly #remembered = new Map<string, Grants>();
  #checks = 0;

  constructor(users: ReadonlyMap<string, readonly User[]>) {
    this.#users = users;
  }

  /** `secret`: base64 of `user:password`. */
  async grantsOf(secret: string): Promise<Grants | undefined | 'busy'> {
    const key = createHash('sha256').update(secret).digest('base64');
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    if (this.#checks >= checksMax) return 'busy';
    this.#checks += 1;
    try {
      const grants = await this.#check(Buffer.from(secret, 'base64').toString('utf8'));
      if (grants.size === 0) return undefined;
      if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
      this.#remembered.set(key, grants);
      return grants;
    } finally {
      this.#checks -= 1;
    }
  }

  async #check(text: string): Promise<Map<string, ReadonlySet<Scope>>> {
    const colon = text.indexOf(':');
    const [name, password] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
    const grants = new Map<string, ReadonlySet<Scope>>();
    // A name that is not known takes as long as a password that is wrong.
    for (const user of this.#users.get(name) ?? [nobody]) {
      const hash = await derive(password, user.password);
      if (timingSafeEqual(hash, user.password.hash))
        for (const [tenant, scopes] of user.grants) grants.set(tenant, scopes);
    }
    return grants;
  }
}

const nobody: User = {
  password: { cost: standardCost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) },
  grants: new Map(),
};

function parseHash(text: string): ScryptHash {
  const [, N, r, p, salt = '', hash = ''] = text.split('$');
  return {
    cost: { N: Number(N), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}

async function derive(password: string, { cost, salt, hash }: ScryptHash): Promise<Buffer> {
  const maxmem = 256 * cost.N * cost.r;
  return await new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, hash.length, { ...cost, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
