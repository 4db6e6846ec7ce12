/** The request that a plan became, in the place where the plan was. */
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { getApproval } from '#contract/approvals.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { needsText } from './approval-needs.ts';
import classes from './plan-dialog.module.css';
import { PlanSkeleton } from './plan-parts.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { RelativeTime } from './relative-time.tsx';
import { StatusPill } from './status-pill.tsx';

export function PlanApproval({ approval_id, onClose }: { approval_id: string; onClose: () => void }) {
  const { data: approval, error } = useEndpoint(
    getApproval,
    { params: { approval_id } },
    { refetchInterval: 3_000 },
  );
  return (
    <>
      <div className={classes.body}>
        {error && <ProblemAlert error={error} />}
        {approval ? (
          <>
            <div className={classes.state}>
              <StatusPill of="approval" status={approval.state} soft />
              {approval.reason !== null && <span className={classes.facts}>{approval.reason}</span>}
            </div>
            {approval.state === 'waiting' ? (
              <p>
                Nothing has happened yet: it {needsText(approval.requirements)}, and is done in your name with
                the last one, if everything is still as you read it. It expires{' '}
                <RelativeTime iso={approval.expires_at} />.
              </p>
            ) : (
              <p>{approval.ended_detail ?? (approval.job_id && 'It was approved and has been started.')}</p>
            )}
          </>
        ) : (
          !error && <PlanSkeleton />
        )}
      </div>
      <footer className={classes.footer}>
        <span className={classes.facts}>
          <Link
            to="/approvals/$approval_id"
            params={{ approval_id }}
            onClick={onClose}
            className={classes.link}
          >
            Open the request
          </Link>
          {approval?.job_id && (
            <Link
              to="/jobs/$job_id"
              params={{ job_id: approval.job_id }}
              onClick={onClose}
              className={classes.link}
            >
              Open the job
            </Link>
          )}
        </span>
        <Button variant="default" onClick={onClose} autoFocus>
          Close
        </Button>
      </footer>
    </>
  );
}
