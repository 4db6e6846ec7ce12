import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { listAuditEvents, type AuditEvent } from '#contract/audit.ts';
import { mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import { actionWords } from '#ui/audit/action-words.ts';
import { Actor } from '#ui/audit/audit-table.tsx';
import { TargetLink } from '#ui/audit/target-link.tsx';
import { describeError } from '#ui/api/errors.ts';
import { Panel } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './happened-panel.module.css';
import { Quiet, QuietSkeleton } from './quiet.tsx';

const READ = 100;
const SHOWN = 10;

/** The steps of a job are its trace, not something that somebody did. */
const isPrivileged = ({ action }: AuditEvent) => !action.startsWith('job.step.');

/** The last privileged actions, refused ones too. */
export function HappenedPanel() {
  const allowed = mayAnywhere(useMe().data, 'audit.view');
  const { data, error } = useEndpoint(
    listAuditEvents,
    { query: { limit: READ } },
    { refetchInterval: 10_000, enabled: allowed.allowed },
  );
  const events = data?.items.filter(isPrivileged).slice(0, SHOWN) ?? [];
  return (
    <Panel
      title="What happened?"
      actions={
        allowed.allowed && (
          <Button variant="subtle" size="compact-sm" renderRoot={(props) => <Link {...props} to="/audit" />}>
            Audit log
          </Button>
        )
      }
    >
      {!allowed.allowed ? (
        <Quiet title="You may not read the audit log">{allowed.reason}</Quiet>
      ) : data === undefined ? (
        error ? (
          <Quiet title="Not known">{describeError(error).title}</Quiet>
        ) : (
          <QuietSkeleton rows={6} />
        )
      ) : events.length === 0 ? (
        <Quiet title="Nothing yet">Every change and every refused attempt will stand here.</Quiet>
      ) : (
        <ul className={classes.events}>
          {events.map((event) => (
            <li key={event.sequence} className={classes.event}>
              <span className={classes.line}>
                <span className={classes.what}>
                  {actionWords(event.action)}
                  {event.outcome !== 'succeeded' && <StatusPill of="outcome" status={event.outcome} />}
                </span>
                <RelativeTime iso={event.occurred_at} />
              </span>
              <span className={classes.line}>
                <Actor event={event} />
                <TargetLink type={event.target_type} id={event.target_id} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
