import { IconArrowBackUp, IconPlayerTrackNext, IconRefresh, IconUrgent } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { getApproval, listApprovals } from '#contract/approvals.ts';
import { listJobs, type Job, type JobAction } from '#contract/jobs.ts';
import { useJobEvents } from '#ui/api/job-events.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { ChangeList } from '#ui/patterns/change-list.tsx';
import { useNow } from '#ui/patterns/clock.ts';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { formatDuration } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { JobProgress } from '#ui/patterns/job-progress.tsx';
import { MiddleTruncate, Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { Touched } from '#ui/patterns/plan-parts.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { JobRows } from './job-rows.tsx';
import { JobActionDialog, useJobReason } from './job-actions.tsx';
import classes from './job-page.module.css';
import { JobTrace } from './job-trace.tsx';

const PARENT = { label: 'Jobs', link: { to: '/jobs' } } as const;

export function JobPage() {
  const { job_id } = useParams({ from: '/shell/jobs/$job_id' });
  const { job, trace, connected, error } = useJobEvents(job_id);
  const reason = useJobReason();
  const [action, setAction] = useState<JobAction | null>(null);
  const ended = job !== undefined && job.finished_at !== null;
  return (
    <DetailPage
      parent={PARENT}
      noun="job"
      title={job?.title ?? job_id}
      status={job && <StatusPill of="job" status={job.state} soft />}
      facts={job ? [<Took key="took" job={job} />] : []}
      primary={
        job &&
        !ended &&
        job.state !== 'stuck' && (
          <GuardedButton
            variant="default"
            leftSection={<IconArrowBackUp size={15} />}
            against={reason(job, 'cancel')}
            onClick={() => setAction('cancel')}
          >
            Cancel and undo
          </GuardedButton>
        )
      }
      loading={job === undefined}
      error={error}
      onRetry={() => location.reload()}
    >
      {job && (
        <>
          {job.stuck && <Stuck job={job} stuck={job.stuck} reason={reason} onAction={setAction} />}
          <Facts job={job} />
          <div className={classes.columns}>
            <Panel title={job.steps.length > 0 ? 'Steps' : 'What changed'}>
              {job.steps.length > 0 ? (
                <JobProgress job={job} connected={connected} hideStuck />
              ) : (
                <EmptyState
                  title="It was done at once"
                  hint="One transaction wrote the change and its audit event; the trace beside shows both."
                />
              )}
            </Panel>
            <JobTrace trace={trace} connected={connected} live={!ended} />
          </div>
          <Approved job={job} />
          {STARTS_JOBS.includes(job.kind) && <StartedJobs job={job} />}
          {job.plan && job.plan.changes.length > 0 && (
            <Panel title="What the plan changes">
              <ChangeList changes={job.plan.changes} />
            </Panel>
          )}
          {job.plan && job.plan.steps.length > 0 && (
            <Panel title="Who the plan touches">
              <Touched plan={job.plan} />
            </Panel>
          )}
          {action && <JobActionDialog job={job} action={action} onClose={() => setAction(null)} />}
        </>
      )}
    </DetailPage>
  );
}

/** Who let it happen, where it took approvals. */
function Approved({ job: { job_id } }: { job: Job }) {
  const { data } = useEndpoint(listApprovals, { query: { job_id } });
  const approval_id = data?.items[0]?.approval_id;
  const approval = useEndpoint(
    getApproval,
    { params: { approval_id: approval_id ?? '' } },
    { enabled: approval_id !== undefined },
  ).data;
  if (approval_id === undefined) return null;
  return (
    <Panel title="Approvals">
      <Properties>
        {approval?.decisions.map(({ user_id, label, roles, decided_at, comment }) => (
          <Property key={user_id} name={label}>
            approved as {roles.join(', ')} <RelativeTime iso={decided_at} />
            {comment !== null && `: ${comment}`}
          </Property>
        ))}
        <Property name="Request">
          <Link to="/approvals/$approval_id" params={{ approval_id }} className={classes.link}>
            the plan as it was read
          </Link>
        </Property>
      </Properties>
    </Panel>
  );
}

/** Kinds whose steps are jobs of their own. */
const STARTS_JOBS: readonly string[] = ['rebalance_shards'];

function StartedJobs({ job: { job_id, finished_at } }: { job: Job }) {
  const { data, error } = useEndpoint(
    listJobs,
    { query: { parent_job_id: job_id, limit: 20 } },
    { refetchInterval: finished_at === null ? 2_000 : false },
  );
  return (
    <Panel title="Jobs that it started" flush>
      <JobRows
        jobs={data?.items}
        error={error}
        empty="It has started none"
        more={data?.next_cursor ? { parent_job_id: job_id } : null}
      />
    </Panel>
  );
}

function Took({ job }: { job: Job }) {
  const now = useNow();
  if (job.started_at === null) return <>not started yet</>;
  const end = job.finished_at === null ? now : Date.parse(job.finished_at);
  const text = formatDuration(Math.max(0, end - Date.parse(job.started_at)) / 1000);
  return <>{job.finished_at === null ? `for ${text}` : `took ${text}`}</>;
}

/** Who, why, by which plan, on what. */
function Facts({ job }: { job: Job }) {
  return (
    <div className={classes.facts}>
      <Properties>
        <Property name="Started by">{job.created_by}</Property>
        <Property name="Reason">
          {job.reason ?? <Unknown why="This kind of change asks for no reason, and none was given" />}
        </Property>
        <Property name="Started">
          <RelativeTime iso={job.created_at} />
        </Property>
        <Property name="Ended">
          <RelativeTime iso={job.finished_at} missing="It has not ended" />
        </Property>
      </Properties>
      <Properties>
        <Property name="Target">
          <Target job={job} />
        </Property>
        <Property name="Environment">
          {job.environment === null ? 'everywhere' : <EnvironmentBadge environment={job.environment} />}
        </Property>
        <Property name="Kind">
          <Mono>{job.kind}</Mono>
        </Property>
        {job.parent_job_id !== null && (
          <Property name="Part of">
            <Link to="/jobs/$job_id" params={{ job_id: job.parent_job_id }} className={classes.link}>
              the job that started it
            </Link>
          </Property>
        )}
        <Property name="Audit log">
          <Link to="/audit" search={{ job_id: job.job_id }} className={classes.link}>
            events of this job
          </Link>
        </Property>
      </Properties>
      <Properties>
        <Property name="Plan hash">
          {job.plan_hash === null ? (
            <Unknown why="It had no plan: it was done at once" />
          ) : (
            <MiddleTruncate text={job.plan_hash} />
          )}
        </Property>
        <Property name="Job id">
          <MiddleTruncate text={job.job_id} />
        </Property>
        <Property name="Request id">
          <MiddleTruncate text={job.request_id} />
        </Property>
        <Property name="Trace id">
          {job.trace_id === null ? (
            <Unknown why="The request carried no trace context" />
          ) : (
            <MiddleTruncate text={job.trace_id} />
          )}
        </Property>
      </Properties>
    </div>
  );
}

function Target({ job: { target_type, target_id } }: { job: Job }) {
  if (target_type !== 'tenant')
    return (
      <>
        {target_type} <Mono>{target_id}</Mono>
      </>
    );
  return (
    <Link to="/tenants/$tenant_id" params={{ tenant_id: target_id }} className={classes.link}>
      <Mono>{target_id}</Mono>
    </Link>
  );
}

/** What is left half done, where, and the two ways out. */
function Stuck({
  job,
  stuck,
  reason,
  onAction,
}: {
  job: Job;
  stuck: NonNullable<Job['stuck']>;
  reason: (job: Job, action: JobAction) => string | null;
  onAction: (action: JobAction) => void;
}) {
  return (
    <div className={classes.stuck} role="alert">
      <IconUrgent size={20} aria-hidden />
      <div className={classes.stuckText}>
        <p className={classes.sentence}>{stuck.sentence}</p>
        <p className={classes.where}>
          Stuck at the {stuck.during === 'undo' ? 'undo of ' : ''}step <Mono>{stuck.step}</Mono>. Retry it
          once the cause is mended, or skip it and put it right by hand.
        </p>
      </div>
      <GuardedButton
        leftSection={<IconRefresh size={15} />}
        against={reason(job, 'retry')}
        onClick={() => onAction('retry')}
      >
        Retry
      </GuardedButton>
      <GuardedButton
        variant="default"
        leftSection={<IconPlayerTrackNext size={15} />}
        against={reason(job, 'skip')}
        onClick={() => onAction('skip')}
      >
        Skip…
      </GuardedButton>
    </div>
  );
}
