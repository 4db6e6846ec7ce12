/** Ending sessions, one or many, with one reason. */
import { IconDoorExit, IconUserX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type ReactNode } from 'react';
import { listAuditEvents } from '#contract/audit.ts';
import { getUser, listSessions, listUsers, revokeSession, type Me, type Session } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { may, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { RevokeOwnerDialog } from './revoke-all-sessions.tsx';
import { deviceOf, ownerName, ownersOf } from './session-words.ts';

const STALE: readonly string[] = [listSessions, getUser, listUsers, listAuditEvents].map(({ id }) => id);

/** Sessions of end users are ended by whoever may in their tenant and environment; those of users by whoever may everywhere. */
const mayEnd = (signedIn: Me | undefined, { tenant_id, environment }: Session) =>
  may(
    signedIn,
    'iam.sessions.revoke',
    tenant_id === null || environment === null ? {} : { tenant_id, environment },
  );

/** `onEnded` is called when sessions have ended. */
export function useRevokeSessions(onEnded: () => void): {
  actionsFor: (session: Session) => Action[];
  /** The action on selected rows; `clear` drops the selection when it is done. */
  bulkAction: (sessions: readonly Session[], clear: () => void) => ReactNode;
  dialog: ReactNode;
} {
  const signedIn = useMe().data;
  const [asked, setAsked] = useState<{ sessions: readonly Session[]; onDone: () => void } | null>(null);
  const [owner, setOwner] = useState<Session | null>(null);
  const bulkAction = (sessions: readonly Session[], clear: () => void) => (
    <GuardedButton
      size="compact-sm"
      variant="default"
      leftSection={<IconDoorExit size={14} />}
      against={firstReason(
        ...sessions.map((session) => mayEnd(signedIn, session)),
        sessions.every(({ state }) => state !== 'active') && 'None of these sessions is active',
      )}
      onClick={() => setAsked({ sessions, onDone: clear })}
    >
      End sessions…
    </GuardedButton>
  );
  return {
    bulkAction,
    actionsFor: (session) => [
      {
        label: 'End session…',
        icon: IconDoorExit,
        danger: true,
        disabled: firstReason(mayEnd(signedIn, session), stateReason(['active'], session.state, 'session')),
        onSelect: () => setAsked({ sessions: [session], onDone: () => undefined }),
      },
      {
        label: session.user_id === null ? 'End all of this end user…' : 'End all of this user…',
        icon: IconUserX,
        disabled: mayEnd(signedIn, session).reason,
        onSelect: () => setOwner(session),
      },
    ],
    dialog: owner ? (
      <RevokeOwnerDialog session={owner} onDone={onEnded} onClose={() => setOwner(null)} />
    ) : (
      asked && (
        <RevokeDialog
          sessions={asked.sessions}
          onDone={() => {
            asked.onDone();
            onEnded();
          }}
          onClose={() => setAsked(null)}
        />
      )
    ),
  };
}

function RevokeDialog({
  sessions,
  onDone,
  onClose,
}: {
  sessions: readonly Session[];
  onDone: () => void;
  onClose: () => void;
}) {
  const queryClient = useQueryClient();
  const active = sessions.filter(({ state }) => state === 'active');
  // What is left to end and under which key, so that trying again after a failure repeats only that.
  const left = useRef(new Map(active.map(({ session_id }) => [session_id, crypto.randomUUID()])));
  const [only] = active;
  const own = active.some(({ current }) => current);
  const run = async ({ reason }: { reason: string | undefined }) => {
    let job_id: string | undefined;
    try {
      // The own session last: its end refuses every request after it.
      const order = active.toSorted((a, b) => Number(a.current) - Number(b.current));
      for (const { session_id } of order) {
        const idempotency_key = left.current.get(session_id);
        if (idempotency_key === undefined) continue;
        const { data } = await call(revokeSession, {
          params: { session_id },
          body: { reason: reason ?? '' },
          idempotency_key,
        });
        job_id = data.job_id;
        left.current.delete(session_id);
      }
    } finally {
      void queryClient.invalidateQueries({
        predicate: ({ queryKey }) => STALE.includes(String(queryKey[0])),
      });
    }
    onDone();
    return active.length === 1 && job_id !== undefined ? { job_id } : {};
  };
  return (
    <ConfirmAction
      title={active.length === 1 ? 'End session' : `End ${active.length} sessions`}
      what={
        <>
          {active.length === 1 && only
            ? `The session of ${ownerName(only)} with ${deviceOf(only)} from ${only.ip} ends; its next request is refused.`
            : `${plural(active.length, 'session')} of ${ownersOf(active)} end; the next request of each is refused.`}
          {active.length < sessions.length &&
            ` ${plural(sessions.length - active.length, 'selected one')} ended before.`}
          {own && (
            <>
              {' '}
              <strong>This includes the session you are using: you will be signed out.</strong>
            </>
          )}
        </>
      }
      verb={active.length === 1 ? 'End session' : 'End sessions'}
      danger
      done={active.length === 1 ? 'Session ended' : `${active.length} sessions ended`}
      run={run}
      onClose={onClose}
    />
  );
}
