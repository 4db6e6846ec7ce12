import { Radio } from '@mantine/core';
import { useState } from 'react';
import { addTenantEnvironment, getTenant, listTenants } from '#contract/tenants.ts';
import { useChange, useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import classes from './tenant-form.module.css';

const STALE = [listTenants, getTenant];

/** Provisions a tenant in one more environment. */
export function AddEnvironmentDialog({ tenant_id, onClose }: { tenant_id: string; onClose: () => void }) {
  const { environments } = useEnvironment();
  const { data: tenant } = useEndpoint(getTenant, { params: { tenant_id } });
  const add = useChange(addTenantEnvironment, { invalidates: STALE });
  const open = environments.filter(({ environment }) => tenant && !tenant.environments.includes(environment));
  const [chosen, setChosen] = useState<string | null>(null);
  const environment = chosen ?? (open.length === 1 ? (open[0]?.environment ?? null) : null);
  return (
    <ConfirmAction
      title={`Add an environment to ${tenant_id}`}
      what="A job places the tenant on the least loaded shard of each service kind there, and verifies that the nodes serve it."
      verb="Add environment"
      blocked={environment === null}
      run={async ({ reason }) => {
        if (environment === null || reason === undefined) return;
        const { data } = await add.mutateAsync({ params: { tenant_id }, body: { environment, reason } });
        return data;
      }}
      done={`${tenant_id} is being provisioned in ${environment}`}
      onClose={onClose}
    >
      <Radio.Group label="Environment" value={environment ?? ''} onChange={setChosen} withAsterisk>
        <div className={classes.choices}>
          {open.map((one) => (
            <Radio
              key={one.environment}
              size="xs"
              value={one.environment}
              label={<EnvironmentBadge environment={one.environment} />}
            />
          ))}
        </div>
      </Radio.Group>
    </ConfirmAction>
  );
}
