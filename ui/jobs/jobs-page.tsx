import { SegmentedControl } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { JOB_STATES, listJobs } from '#contract/jobs.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { oneValue } from '#ui/app/search-params.ts';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { JOB_COLUMNS, jobId, jobLink } from './job-columns.tsx';
import { useJobRowActions } from './job-actions.tsx';

const NOUN = { one: 'job', many: 'jobs' };
const STATE_FILTER: ListFilter = {
  type: 'one',
  name: 'state',
  label: 'State',
  options: [
    { value: 'live', label: 'live: queued, running, undoing, stuck' },
    { value: 'ended', label: 'ended' },
    ...JOB_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="job" status={state} />,
    })),
  ],
};
const KIND_FILTER: ListFilter = { type: 'text', name: 'kind', label: 'Kind', placeholder: 'migrate_tenant' };
const TENANT_FILTER: ListFilter = { type: 'text', name: 'tenant_id', label: 'Tenant', placeholder: 'id' };

const PARENT_FILTER: ListFilter = {
  type: 'text',
  name: 'parent_job_id',
  label: 'Started by job',
  placeholder: 'id',
};

const TYPES = [
  { value: 'planned', label: 'With a plan' },
  { value: 'atomic', label: 'Done at once' },
  { value: 'all', label: 'All' },
];

/** Every change is a job; the ones with a plan, which take their time, are shown first. */
export function JobsPage() {
  const { environments } = useEnvironment();
  const navigate = useNavigate();
  const type = oneValue(useSearch({ strict: false })['type']) ?? 'planned';
  const { actionsFor, dialog } = useJobRowActions();
  const query = useMemo(() => (type === 'planned' || type === 'atomic' ? { type } : {}), [type]) as {
    type?: 'planned' | 'atomic';
  };
  const filters = useMemo(
    (): readonly ListFilter[] => [
      STATE_FILTER,
      {
        type: 'one',
        name: 'environment',
        label: 'Environment',
        options: environments.map(({ environment }) => ({ value: environment, label: environment })),
      },
      KIND_FILTER,
      TENANT_FILTER,
      PARENT_FILTER,
    ],
    [environments],
  );
  return (
    <>
      <ListPage
        title="Jobs"
        noun={NOUN}
        endpoint={listJobs}
        query={query}
        columns={JOB_COLUMNS}
        rowId={jobId}
        rowLink={jobLink}
        rowActions={actionsFor}
        filters={filters}
        search="Search by title"
        defaultSort="-created_at"
        refetchInterval={5_000}
        primary={
          <SegmentedControl
            size="xs"
            aria-label="Which jobs"
            value={type}
            data={TYPES}
            onChange={(value) =>
              void navigate({
                to: '.',
                search: (before) => ({
                  ...before,
                  type: value === 'planned' ? undefined : value,
                  cursor: undefined,
                }),
                state: { cursors: [] },
              })
            }
          />
        }
        empty={{
          title: 'No job has run yet',
          hint: 'Migrating, creating or archiving a tenant starts one; you can watch it here.',
        }}
      />
      {dialog}
    </>
  );
}
