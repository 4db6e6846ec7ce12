/** Stands above every page while somebody acts as another user: as whom, until when, why, and the way back. */
import { Button } from '@mantine/core';
import { IconMasksTheater } from '@tabler/icons-react';
import { useEffect } from 'react';
import { endImpersonation, me, type Me } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { startOver } from '#ui/api/session.ts';
import { useChange } from '#ui/api/queries.ts';
import { useNow } from '#ui/patterns/clock.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './acting-banner.module.css';

const MINUTE_MS = 60_000;
const ASK_MS = 5_000;
const clock = new Intl.DateTimeFormat('sv-SE', { hour: '2-digit', minute: '2-digit' });
const MARK = '⚠ Acting as ';

export function ActingBanner({ who: { impersonation, user } }: { who: Me }) {
  return impersonation ? <Banner impersonation={impersonation} email={user.email} /> : null;
}

function Banner({
  impersonation: { actor_email, ends_at, reason },
  email,
}: {
  impersonation: NonNullable<Me['impersonation']>;
  email: string;
}) {
  const left = Date.parse(ends_at) - useNow();
  const over = left <= 0;
  const end = useChange(endImpersonation, { onSuccess: startOver });
  useTitleMark(email);
  useEffect(() => {
    if (!over) return;
    // By this machine's clock. Whether it is over the server says, and then the client starts over.
    const ask = () => void call(me).catch(() => undefined);
    ask();
    const timer = setInterval(ask, ASK_MS);
    return () => clearInterval(timer);
  }, [over]);
  return (
    <section className={classes.banner} aria-label="Acting as another user">
      <IconMasksTheater size={18} aria-hidden />
      <p className={classes.text}>
        You act as <b>{email}</b> until <b>{clock.format(Date.parse(ends_at))}</b>{' '}
        <span className={classes.left}>({Math.max(0, Math.ceil(left / MINUTE_MS))} min left)</span>
        <span title={`${reason} · you are ${actor_email}`}>
          {' · '}
          {reason}
        </span>
      </p>
      {end.error && <ProblemAlert error={end.error} />}
      <Button
        size="compact-sm"
        variant="white"
        color="dark"
        loading={end.isPending}
        onClick={() => end.mutate({})}
      >
        End now
      </Button>
    </section>
  );
}

/** Marks the tab's title, whatever page gives it one. */
function useTitleMark(email: string): void {
  useEffect(() => {
    const mark = () => {
      if (!document.title.startsWith(MARK)) document.title = `${MARK}${email} · ${document.title}`;
    };
    mark();
    const observer = new MutationObserver(mark);
    observer.observe(document.head, { childList: true, subtree: true, characterData: true });
    return () => {
      observer.disconnect();
      document.title = document.title.replace(`${MARK}${email} · `, '');
    };
  }, [email]);
}
