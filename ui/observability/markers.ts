/** What was changed through the control plane, as marks on the time axis. */
import type { Static } from 'typebox';
import { listJobs, type JobListItem } from '#contract/jobs.ts';
import { mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import { CHARTS_REFETCH_MS } from './observability-queries.ts';

type JobRow = Static<typeof JobListItem>;

/** A change on the time axis. Marks are numbered, oldest first; the list beside the charts says what they are. */
export interface Marker {
  number: number;
  /** Milliseconds. */
  at: number;
  title: string;
  job_id: string;
}

/** More marks than this would be a fence; the newest are shown. */
const MOST = 12;
const READ = 50;

/** The jobs that touched what the charts are about and began within the window, oldest first. */
export const markersOf = (
  jobs: readonly JobRow[],
  concerns: (job: JobRow) => boolean,
  from: number,
  to: number,
): Marker[] =>
  jobs
    .filter(concerns)
    .map(({ job_id, title, started_at, created_at }) => ({
      job_id,
      title,
      at: Date.parse(started_at ?? created_at),
    }))
    .filter(({ at }) => at >= from && at <= to)
    .toSorted((a, b) => a.at - b.at)
    .slice(-MOST)
    .map((marker, index) => ({ ...marker, number: index + 1 }));

/** Planned jobs of an environment, for whoever may see them. */
export function useChanges(environment: string, tenant_id: string | undefined): readonly JobRow[] {
  const allowed = mayAnywhere(useMe().data, 'jobs.view');
  const { data } = useEndpoint(
    listJobs,
    { query: { environment, tenant_id, type: 'planned', limit: READ } },
    { refetchInterval: CHARTS_REFETCH_MS, enabled: allowed.allowed },
  );
  return data?.items ?? [];
}
