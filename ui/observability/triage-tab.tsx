/** From "something is wrong" to the line that says why: overview → HTTP detail → logs, of the environment, a service or a tenant. */
import { Button, Select } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { ObservabilityLink } from '#contract/observability.ts';
import { NODE_KINDS } from '#contract/placement-record.ts';
import { listTenants } from '#contract/tenants.ts';
import { mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { oneValue } from '#ui/app/search-params.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import type { About } from './chart-rules.ts';
import { FigureCharts, MAIN_CHARTS } from './figure-charts.tsx';
import { LogLines } from './log-lines.tsx';
import { isMissing, MissingPart } from './missing-part.tsx';
import { OUTSIDE } from './observability-links.tsx';
import { useLinks, useObservability } from './observability-queries.ts';
import { QueryTables } from './query-tables.tsx';
import { RangePicker } from './range-picker.tsx';
import { useTimeRange } from './time-range.ts';
import classes from './triage-tab.module.css';

export function TriageTab() {
  const { environment } = useEnvironment();
  const search = useSearch({ strict: false });
  const tenant_id = oneValue(search['tenant']);
  const service = NODE_KINDS.find((kind) => kind === oneValue(search['service']));
  const about = useMemo(
    (): About => ({ environment, ...(service && { service }), ...(tenant_id && { tenant_id }) }),
    [environment, service, tenant_id],
  );
  const { range, choose } = useTimeRange();
  const { part, status, asking } = useObservability(environment);
  const grafana = part('grafana');
  const links = useLinks(about, range, !asking && !isMissing(grafana));
  const metrics = part('metrics');
  if (asking)
    return status.error ? (
      <ProblemAlert error={status.error} onRetry={() => void status.refetch()} />
    ) : (
      <div className={classes.bone} role="status" aria-busy aria-label="Loading" />
    );
  const step = (number: number) => links.filter((link) => link.step === number);
  return (
    <div className={classes.triage}>
      <div className={classes.bar} role="search">
        <ServiceChoice service={service} />
        <TenantChoice tenant_id={tenant_id} environment={environment} />
        <RangePicker range={range} onChange={choose} />
      </div>
      <Step
        number={1}
        title="Overview"
        question="Is it slow, failing, behind or full, and since when?"
        links={step(1)}
      >
        {isMissing(metrics) ? (
          <MissingPart compact part={metrics} environment={environment} />
        ) : (
          <FigureCharts about={about} range={range} charts={MAIN_CHARTS} />
        )}
      </Step>
      <Step number={2} title="HTTP detail" question="Which requests, and whose?" links={step(2)}>
        {isMissing(metrics) ? (
          <p className={classes.none}>It needs the metrics server, too.</p>
        ) : (
          <QueryTables language="promql" about={about} range={range} />
        )}
      </Step>
      <Step number={3} title="Logs" question="What did the code say?" links={step(3)}>
        {!isMissing(part('logs')) && <QueryTables language="logql" about={about} range={range} />}
        <LogLines about={about} range={range} logs={part('logs')} />
      </Step>
    </div>
  );
}

function Step({
  number,
  title,
  question,
  links,
  children,
}: {
  number: number;
  title: string;
  question: string;
  links: readonly ObservabilityLink[];
  children: React.ReactNode;
}) {
  return (
    <section className={classes.step} aria-label={`${number}. ${title}`}>
      <header>
        <span className={classes.number} aria-hidden>
          {number}
        </span>
        <h2>{title}</h2>
        <p>{question}</p>
        {links.map(({ url, title: to, description }) => (
          <Button
            key={url}
            component="a"
            href={url}
            {...OUTSIDE}
            variant="default"
            size="xs"
            title={description}
            rightSection={<IconExternalLink size={14} aria-label="Opens in a new tab" />}
          >
            {to}
          </Button>
        ))}
      </header>
      {children}
    </section>
  );
}

/** Changes what the path is about; the URL holds it. */
function useChoice(name: 'service' | 'tenant') {
  const navigate = useNavigate();
  return (value: string | null) =>
    void navigate({
      to: '.',
      search: (before) => ({ ...before, [name]: value ?? undefined }),
      replace: true,
    });
}

function ServiceChoice({ service }: { service: string | undefined }) {
  return (
    <Select
      clearable
      aria-label="Service"
      placeholder="Every service"
      w={160}
      data={[...NODE_KINDS]}
      value={service ?? null}
      onChange={useChoice('service')}
    />
  );
}

const FOUND = 12;

/** Tenants are found by the server: there may be a hundred thousand. */
function TenantChoice({ tenant_id, environment }: { tenant_id: string | undefined; environment: string }) {
  const [text, setText] = useState('');
  const allowed = mayAnywhere(useMe().data, 'tenants.read').allowed;
  const q = text === tenant_id ? '' : text.trim();
  const { data } = useEndpoint(
    listTenants,
    { query: { environment, limit: FOUND, ...(q && { q }) } },
    { enabled: allowed },
  );
  const found = data?.items.map((tenant) => tenant.tenant_id) ?? [];
  const options = tenant_id === undefined || found.includes(tenant_id) ? found : [tenant_id, ...found];
  return (
    <Select
      searchable
      clearable
      aria-label="Tenant"
      placeholder="Every tenant"
      data-page-search
      w={240}
      data={options}
      // The server has filtered them.
      filter={({ options: all }) => all}
      value={tenant_id ?? null}
      onChange={useChoice('tenant')}
      searchValue={text}
      onSearchChange={setText}
      nothingFoundMessage={allowed ? 'No tenant is called so' : 'You may not list tenants'}
    />
  );
}
