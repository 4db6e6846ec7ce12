/** Where one is signed in, and how to end that. */
import { Button } from '@mantine/core';
import { endMyOtherSessions, endMySession, listMySessions } from '#contract/iam.ts';
import { useChange, useEndpoint } from '#ui/api/queries.ts';
import { plural } from '#ui/patterns/format.ts';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { ClientTag, ThisSession } from './session-marks.tsx';
import { deviceOf } from './session-words.ts';
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
      {items.map((session) => (
        <div key={session.session_id} className={classes.item}>
          <div className={classes.what}>
            <div>
              {deviceOf(session)} <ClientTag {...session} /> <ThisSession {...session} />
            </div>
            <div className={classes.small}>
              {session.ip} · {session.methods.join(' + ')} · <RelativeTime iso={session.last_seen_at} />
            </div>
          </div>
          {!session.current && (
            <Button
              variant="default"
              size="xs"
              aria-label={`End the session of ${deviceOf(session)} at ${session.ip}`}
              onClick={() => end.mutate({ params: { session_id: session.session_id } })}
            >
              End
            </Button>
          )}
        </div>
      ))}
    </Panel>
  );
}
