import { useParams } from '@tanstack/react-router';
import { listJobs } from '#contract/jobs.ts';
import { mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import { JobRows } from '#ui/jobs/job-rows.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { formatBytes, formatCount } from '#ui/patterns/format.ts';
import { CopyButton, Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { Tag } from '#ui/patterns/status-pill.tsx';
import { KeptResources } from './kept-resources.tsx';
import { TenantPlacementGrid } from './tenant-placement-grid.tsx';
import classes from './tenant-page.module.css';
import { useTenant } from './use-tenant.ts';

const NOT_SET = 'Nobody has entered it';
const NO_LIMIT = 'No limit is set';

/** A text that may not be there. */
const Text = ({ value, missing = NOT_SET }: { value: string | null | undefined; missing?: string }) =>
  value ? <>{value}</> : <Unknown why={missing} />;

export function TenantOverviewTab() {
  const { tenant_id } = useParams({ from: '/shell/tenants/$tenant_id' });
  const me = useMe();
  const { data: tenant } = useTenant(tenant_id);
  if (!tenant) return null;
  const { quotas, contact, billing } = tenant;
  const flags = Object.entries(tenant.feature_flags);
  return (
    <div className={classes.overview}>
      <div className={classes.column}>
        {mayAnywhere(me.data, 'scale.view').allowed && <TenantPlacementGrid tenant={tenant} />}
        {tenant.kept_resources.length > 0 && <KeptResources resources={tenant.kept_resources} />}
        {mayAnywhere(me.data, 'jobs.view').allowed && <LiveJobs tenant_id={tenant_id} />}
      </div>
      <div className={classes.column}>
        <Panel title="About">
          <Properties>
            <Property name="Id">
              <Mono>{tenant.tenant_id}</Mono> <CopyButton text={tenant.tenant_id} always />
            </Property>
            <Property name="Name">{tenant.name}</Property>
            <Property name="Plan">{tenant.plan}</Property>
            <Property name="Revision">{tenant.revision}</Property>
            <Property name="Created">
              <RelativeTime iso={tenant.created_at} />
            </Property>
            <Property name="Updated">
              <RelativeTime iso={tenant.updated_at} />
            </Property>
          </Properties>
        </Panel>
        <Panel title="Quotas">
          <Properties>
            <Property name="Commands">
              {quotas.commands_per_second === undefined ? (
                <Unknown why={NO_LIMIT} />
              ) : (
                `${formatCount(quotas.commands_per_second)} a second`
              )}
            </Property>
            <Property name="Storage">
              <Text
                value={quotas.storage_bytes === undefined ? null : formatBytes(quotas.storage_bytes)}
                missing={NO_LIMIT}
              />
            </Property>
            <Property name="Projections">
              <Text
                value={quotas.projections === undefined ? null : formatCount(quotas.projections)}
                missing={NO_LIMIT}
              />
            </Property>
          </Properties>
        </Panel>
        <Panel title="Contact and billing">
          <Properties>
            <Property name="Contact">
              <Text value={contact.name} />
            </Property>
            <Property name="Email">
              {contact.email ? (
                <a href={`mailto:${contact.email}`}>{contact.email}</a>
              ) : (
                <Text value={null} />
              )}
            </Property>
            <Property name="Phone">
              <Text value={contact.phone} />
            </Property>
            <Property name="Account">
              <Text value={billing.account} />
            </Property>
            <Property name="Cost center">
              <Text value={billing.cost_center} />
            </Property>
            <Property name="Currency">
              <Text value={billing.currency} />
            </Property>
          </Properties>
        </Panel>
        <Panel title="Feature flags">
          {flags.length === 0 ? (
            <p className={classes.none}>No flags: the defaults of the platform hold.</p>
          ) : (
            <Properties>
              {flags.map(([flag, on]) => (
                <Property key={flag} name={<Mono>{flag}</Mono>}>
                  <Tag tone={on ? 'well' : 'neutral'}>{on ? 'on' : 'off'}</Tag>
                </Property>
              ))}
            </Properties>
          )}
        </Panel>
      </div>
    </div>
  );
}

function LiveJobs({ tenant_id }: { tenant_id: string }) {
  const { data, error } = useEndpoint(
    listJobs,
    { query: { tenant_id, type: 'planned', limit: 8 } },
    { refetchInterval: 5_000 },
  );
  return (
    <Panel title="Jobs" flush>
      <JobRows
        jobs={data?.items}
        error={error}
        empty="No job has moved this tenant yet"
        more={data?.next_cursor ? { q: tenant_id } : null}
      />
    </Panel>
  );
}
