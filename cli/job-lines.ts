/** Pure: jobs as lines of text, without colour, for people and for their logs. */
import type { Job, JobEvent, JobListItem, JobState, JobStep } from '#contract/jobs.ts';
import { EXIT } from './command-error.ts';

const words = (name: string): string => name.replaceAll('_', ' ');

/** `2026-03-01T09:30:05.123456Z` → `2026-03-01 09:30:05 UTC`. */
const moment = (iso: string | null): string =>
  iso === null ? '—' : `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;

/** Seconds between two moments, as `12.3 s` or `4 min 7 s`; `—` while one is missing. */
function took(from: string | null, to: string | null): string {
  if (from === null || to === null) return '—';
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  return seconds < 60
    ? `${seconds.toFixed(1)} s`
    : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Rows below their headings, each column as wide as its widest cell. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A page of jobs, one a line. */
export function listLines(items: readonly JobListItem[]): string {
  if (items.length === 0) return 'No jobs.';
  return table(
    ['JOB', 'STATE', 'CREATED', 'BY', 'TITLE'],
    items.map(({ job_id, state, created_at, created_by, title }) => [
      job_id,
      words(state),
      moment(created_at),
      created_by,
      title,
    ]),
  );
}

/** What the job is. */
export function headLines({
  job_id,
  title,
  kind,
  environment,
  created_by,
  created_at,
  reason,
}: JobListItem): string {
  const where = environment === null ? '' : ` in ${environment}`;
  return [
    title,
    `job ${job_id}, ${words(kind)}${where}`,
    `begun by ${created_by}, ${moment(created_at)}${reason === null ? '' : `: ${reason}`}`,
  ].join('\n');
}

/** All that is known of one job, with its steps. */
export function jobLines(job: Job): string {
  const steps = job.steps.map((step) => [
    String(step.step_index + 1),
    words(step.state),
    took(step.started_at, step.finished_at),
    stepText(step),
  ]);
  return [
    headLines(job),
    '',
    ...(steps.length > 0 ? [table(['STEP', 'STATE', 'TOOK', ''], steps), ''] : []),
    endLine(job),
  ].join('\n');
}

const stepText = ({ title, error }: JobStep): string =>
  error === null ? title : `${title}: ${error.message}`;

/** One thing that happened to the job. */
export function traceLine({
  occurred_at,
  action,
  outcome,
  summary,
}: Extract<JobEvent, { type: 'trace' }>): string {
  const what = outcome === 'succeeded' ? action : `${action} ${outcome}`;
  return `${occurred_at.slice(11, 19)}  ${what}${summary === '' ? '' : `  ${summary}`}`;
}

const END_WORDS: Record<JobState, string> = {
  queued: 'Queued.',
  running: 'Running.',
  undoing: 'Going back, step by step.',
  succeeded: 'Succeeded.',
  failed_rolled_back: 'Failed; everything was undone.',
  cancelled_rolled_back: 'Cancelled; everything was undone.',
  failed_kept: 'Failed; what was done until then stays, as the plan said.',
  cancelled_kept: 'Cancelled; what was done until then stays, as the plan said.',
  stuck: 'Stuck: it can go neither on nor back.',
};

/** How the job stands, in a sentence or two. */
export function endLine({
  state,
  steps_done,
  step_count,
  started_at,
  finished_at,
  error,
  stuck,
}: Job): string {
  const done = step_count > 0 ? ` ${steps_done} of ${step_count} steps done.` : '';
  const time = finished_at === null ? '' : ` It took ${took(started_at ?? finished_at, finished_at)}.`;
  const why = stuck?.sentence ?? (state === 'succeeded' ? undefined : error?.message);
  return `${END_WORDS[state]}${done}${time}${why === undefined ? '' : `\n${why}`}`;
}

/** The exit code that a watched job leads to; null while it goes on. One that is stuck waits for a person. */
export function exitOf(state: JobState): number | null {
  if (state === 'queued' || state === 'running' || state === 'undoing') return null;
  if (state === 'stuck') return EXIT.jobStuck;
  return state === 'succeeded' ? EXIT.done : EXIT.jobNotDone;
}
