import { Link } from '@tanstack/react-router';
import type { JobListItem } from '#contract/jobs.ts';
import type { AppSearch } from '#ui/app/search-params.ts';
import { DataTable } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { JOB_COLUMNS, jobId, jobLink } from './job-columns.tsx';
import classes from './jobs.module.css';

const SHORT = JOB_COLUMNS.filter(({ id }) => ['title', 'state', 'progress', 'created_at'].includes(id));

/** A few jobs, inside a panel. `more` leads to the list with these filters. */
export function JobRows({
  jobs,
  error,
  empty,
  more,
}: {
  jobs: readonly JobListItem[] | undefined;
  error: unknown;
  empty: string;
  more?: AppSearch | null;
}) {
  if (error && !jobs)
    return (
      <div className={classes.padded}>
        <ProblemAlert error={error} />
      </div>
    );
  return (
    <>
      <DataTable
        plain
        label="Jobs"
        columns={SHORT}
        rows={jobs ?? []}
        rowId={jobId}
        rowLink={jobLink}
        skeleton={jobs ? undefined : 3}
        dimmed={Boolean(error)}
        empty={<EmptyState compact title={empty} />}
      />
      {more && (
        <Link to="/jobs" search={more} className={classes.more}>
          All of them
        </Link>
      )}
    </>
  );
}
