import { SegmentedControl, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { listTenants } from '#contract/tenants.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import classes from './scope-fields.module.css';
import { EVERYWHERE, type Scope } from './scope-label.tsx';

/** Where something applies: the whole platform, or one tenant, one environment, or one tenant in one environment. */
export function ScopeFields({ value, onChange }: { value: Scope; onChange: (scope: Scope) => void }) {
  const { environments } = useEnvironment();
  const [limited, setLimited] = useState(value.tenant_id !== null || value.environment !== null);
  return (
    <fieldset className={classes.scope}>
      <legend className={classes.legend}>Where it applies</legend>
      <SegmentedControl
        size="xs"
        aria-label="Where it applies"
        value={limited ? 'limited' : 'everywhere'}
        onChange={(choice) => {
          setLimited(choice === 'limited');
          onChange(EVERYWHERE);
        }}
        data={[
          { value: 'everywhere', label: 'Everywhere' },
          { value: 'limited', label: 'A tenant or environment' },
        ]}
      />
      {limited && (
        <div className={classes.fields}>
          <TenantSelect value={value.tenant_id} onChange={(tenant_id) => onChange({ ...value, tenant_id })} />
          <Select
            label="Environment"
            placeholder="All environments"
            data={environments.map(({ environment }) => environment)}
            value={value.environment}
            onChange={(environment) => onChange({ ...value, environment })}
            clearable
            clearButtonProps={{ 'aria-label': 'All environments' }}
          />
        </div>
      )}
    </fieldset>
  );
}

/** One tenant, found by the server among all of them. */
function TenantSelect({
  value,
  onChange,
}: {
  value: string | null;
  onChange: (tenant_id: string | null) => void;
}) {
  const [text, setText] = useState(value ?? '');
  const [q] = useDebouncedValue(text, 200);
  const found = useEndpoint(listTenants, {
    query: { q: q === '' ? undefined : q, limit: 20, sort: 'tenant_id' },
  });
  const ids = found.data?.items.map(({ tenant_id }) => tenant_id) ?? [];
  return (
    <Select
      label="Tenant"
      placeholder="All tenants"
      data={value !== null && !ids.includes(value) ? [value, ...ids] : ids}
      value={value}
      onChange={onChange}
      searchable
      searchValue={text}
      onSearchChange={setText}
      // The server has searched; filtering again would hide what it found by name.
      filter={({ options }) => options}
      nothingFoundMessage={found.isFetching ? 'Searching…' : 'No tenant matches'}
      clearable
      clearButtonProps={{ 'aria-label': 'All tenants' }}
    />
  );
}
