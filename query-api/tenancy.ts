import { parseTenant, type TenantId } from '../storage/index.ts';
import { badParameter, Refused } from './errors.ts';
import type { QueryApiOptions } from './options.ts';

/**
 * The tenants that `X-Scope-OrgID` names: one, or several joined by `|` for a federated read
 * (sorted, each once, as the peers read them).
 *
 * @throws VarveError TENANT_INVALID; Refused tenantMissing, badParameter
 */
export function tenantsOf(
  header: string | readonly string[] | undefined,
  { tenantDefault, tenantsPerQueryMax }: Pick<QueryApiOptions, 'tenantDefault' | 'tenantsPerQueryMax'>,
): readonly TenantId[] {
  const text = typeof header === 'string' ? header : (header?.[0] ?? '');
  if (text === '') {
    if (tenantDefault === null) throw new Refused('tenantMissing', 'no org id');
    return [tenantDefault];
  }
  const tenants = [...new Set(text.split('|'))].sort().map(parseTenant);
  if (tenants.length > tenantsPerQueryMax) {
    throw badParameter(
      `X-Scope-OrgID names ${tenants.length} tenants, over tenantsPerQueryMax = ${tenantsPerQueryMax}; name fewer`,
    );
  }
  return tenants;
}
