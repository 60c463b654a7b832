import { VarveError } from '../../native/index.ts';

declare const brand: unique symbol;

/** A tenant's name; only `parseTenant` makes one. */
export type TenantId = string & { readonly [brand]: 'TenantId' };

const maxBytes = 150;

/**
 * Reads a tenant's name as `X-Scope-OrgID` gives it: 1 to 150 of `A-Za-z0-9!-_.*'()`, not `.` or `..`.
 *
 * @throws VarveError TENANT_INVALID, saying which length or character was wrong
 */
export function parseTenant(text: string): TenantId {
  if (text.length === 0 || text.length > maxBytes) {
    throw new VarveError(
      'TENANT_INVALID',
      `tenant id has ${text.length} bytes; it must have 1 to ${maxBytes}`,
    );
  }
  const badAt = text.search(/[^A-Za-z0-9!\-_.*'()]/);
  if (badAt !== -1) {
    throw new VarveError(
      'TENANT_INVALID',
      `tenant id has '${text.charAt(badAt)}' at position ${badAt}; only A-Z a-z 0-9 ! - _ . * ' ( ) are allowed`,
    );
  }
  if (text === '.' || text === '..')
    throw new VarveError('TENANT_INVALID', `tenant id must not be '${text}'`);
  return text as TenantId;
}
