/** Where one is signed in, and how to end that. */
import { Button } from '@mantine/core';
import { endMyOtherSessions, endMySession, listMySessions } from '#contract/iam.ts';
import { useChange, useEndpoint } from '#ui/api/queries.ts';
import { plural } from '#ui/patterns/format.ts';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { Tag } from '#ui/patterns/status-pill.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { deviceName } from './device-name.ts';
import classes from './sign-in-methods.module.css';

export function MySessions() {
  const sessions = useEndpoint(listMySessions, {}, { refetchInterval: 30_000 });
  const end = useChange(endMySession, {
    invalidates: [listMySessions],
    onSuccess: ({ data }) => toastDone('Session ended', data.job_id),
  });
  const endOthers = useChange(endMyOtherSessions, {
    invalidates: [listMySessions],
    onSuccess: ({ data }) => toastDone(`${plural(data.sessions_ended, 'session')} ended`, data.job_id),
  });
  const items = sessions.data?.items ?? [];
  return (
    <Panel
      title="Sessions"
      actions={
        items.length > 1 && (
          <Button
            variant="default"
            size="xs"
            loading={endOthers.isPending}
            onClick={() => endOthers.mutate({})}
          >
            Sign out everywhere else
          </Button>
        )
      }
    >
      <ProblemAlert error={sessions.error ?? end.error ?? endOthers.error} />
      {items.map(({ session_id, user_agent, ip, current, last_seen_at, methods }) => (
        <div key={session_id} className={classes.item}>
          <div className={classes.what}>
            <div>
              {deviceName(user_agent)} {current && <Tag tone="progress">this session</Tag>}
            </div>
            <div className={classes.small}>
              {ip} · {methods.join(' + ')} · <RelativeTime iso={last_seen_at} />
            </div>
          </div>
          {!current && (
            <Button
              variant="default"
              size="xs"
              aria-label={`End the session of ${deviceName(user_agent)} at ${ip}`}
              onClick={() => end.mutate({ params: { session_id } })}
            >
              End
            </Button>
          )}
        </div>
      ))}
    </Panel>
  );
}
