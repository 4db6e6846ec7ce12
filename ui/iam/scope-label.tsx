import classes from './scope-label.module.css';

export interface Scope {
  tenant_id: string | null;
  environment: string | null;
}

export const EVERYWHERE: Scope = { tenant_id: null, environment: null };

/** Where a grant applies, in words: "everywhere", "prod", "tenant acme-42", "tenant acme-42 in prod". */
export function scopeText({ tenant_id, environment }: Scope): string {
  if (tenant_id === null) return environment ?? 'everywhere';
  return environment === null ? `tenant ${tenant_id}` : `tenant ${tenant_id} in ${environment}`;
}

/** Where a grant applies; a whole platform reads quieter than a named place. */
export const ScopeLabel = ({ scope }: { scope: Scope }) => (
  <span
    className={classes.scope}
    data-global={scope.tenant_id === null && scope.environment === null ? true : undefined}
  >
    {scopeText(scope)}
  </span>
);
