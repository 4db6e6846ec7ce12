import type { JobListItem } from '#contract/jobs.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useNow } from '#ui/patterns/clock.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { formatDuration } from '#ui/patterns/format.ts';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import type { Tone } from '#ui/patterns/status-table.ts';
import classes from './jobs.module.css';

export const jobId = ({ job_id }: JobListItem): string => job_id;
export const jobLink = ({ job_id }: JobListItem) => ({ to: '/jobs/$job_id', params: { job_id } }) as const;

const PROGRESS_TONE: Partial<Record<JobListItem['state'], Tone>> = {
  running: 'progress',
  queued: 'progress',
  undoing: 'attention',
  stuck: 'failing',
};

/** "3 of 6" with a bar while there are steps. */
function Progress({ job: { state, step_count, steps_done } }: { job: JobListItem }) {
  if (step_count === 0) return <span className={classes.quiet}>at once</span>;
  const tone = PROGRESS_TONE[state];
  return (
    <span className={classes.progress}>
      {steps_done} of {step_count}
      {tone && (
        <span className={classes.bar}>
          <LoadBar ratio={steps_done / step_count} tone={tone} label="Steps done" />
        </span>
      )}
    </span>
  );
}

function Took({ job }: { job: JobListItem }) {
  const now = useNow();
  if (job.started_at === null) return <Unknown why="It has not started" />;
  const end = job.finished_at === null ? now : Date.parse(job.finished_at);
  return <>{formatDuration(Math.max(0, end - Date.parse(job.started_at)) / 1000)}</>;
}

function Where({ environment }: { environment: string | null }) {
  if (environment === null) return <span className={classes.quiet}>everywhere</span>;
  return <EnvironmentBadge environment={environment} quiet />;
}

export const JOB_COLUMNS: readonly Column<JobListItem>[] = [
  {
    id: 'title',
    header: 'Job',
    width: 240,
    grow: true,
    cell: ({ title }) => title,
  },
  { id: 'state', header: 'State', width: 148, cell: ({ state }) => <StatusPill of="job" status={state} /> },
  { id: 'progress', header: 'Steps', width: 96, cell: (job) => <Progress job={job} /> },
  {
    id: 'environment',
    header: 'Where',
    width: 72,
    cell: ({ environment }) => <Where environment={environment} />,
  },
  {
    id: 'created_by',
    header: 'By',
    width: 96,
    cell: ({ created_by }) => (
      <span className={classes.person} title={created_by}>
        {created_by.replace(/@.*$/, '')}
      </span>
    ),
  },
  { id: 'took', header: 'Took', width: 80, align: 'right', cell: (job) => <Took job={job} /> },
  {
    id: 'created_at',
    header: 'Started',
    sort: 'created_at',
    width: 96,
    cell: ({ created_at }) => <RelativeTime iso={created_at} />,
  },
];
