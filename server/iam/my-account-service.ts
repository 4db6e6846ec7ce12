/** One's own name and sessions. */
import { sql } from 'kysely';
import type { Session, User } from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { notFound } from '#server/http/control-error.ts';
import { personOf } from './personal-session.ts';
import { listSessionRows } from './session-list-store.ts';
import { endSession, endSessionsOf, lockSession } from './session-store.ts';
import { lockUser, USER_COLUMNS } from './user-store.ts';

/** The most that are shown; nobody reads further. */
const SHOWN_SESSIONS = 200;

export async function updateMyProfile(
  db: Database,
  context: CallContext,
  { display_name }: { display_name: string },
): Promise<{ job_id: string; user: User }> {
  const { user_id, label } = personOf(context);
  return mutate(
    db,
    context,
    {
      action: 'iam.me.update',
      title: `Change the profile of ${label}`,
      permission: 'authenticated',
      target: { type: 'user', id: user_id },
    },
    async (tx) => {
      const before = await lockUser(tx, user_id);
      const user = await tx
        .updateTable('users')
        .set({ display_name: display_name.trim(), revision: before.revision + 1, updated_at: sql`now()` })
        .where('user_id', '=', user_id)
        .returning(USER_COLUMNS)
        .executeTakeFirstOrThrow();
      return { before, after: user, result: { user } };
    },
  );
}

/** The caller's active sessions, the latest first. */
export async function listMySessions(db: Database, context: CallContext): Promise<{ items: Session[] }> {
  const { user_id, session } = personOf(context);
  const filter = { user_id, state: 'active', limit: SHOWN_SESSIONS } as const;
  const reader = { currentSessionId: session.session_id, scopes: { all: true } } as const;
  const { items } = await listSessionRows(db, filter, reader);
  return { items };
}

export async function endMySession(
  db: Database,
  context: CallContext,
  session_id: string,
): Promise<{ job_id: string }> {
  const { user_id, label, session } = personOf(context);
  return mutate(
    db,
    context,
    {
      action: 'iam.me.sessions.end',
      title: `End a session of ${label}`,
      permission: 'authenticated',
      target: { type: 'session', id: session_id },
    },
    async (tx) => {
      const before = await lockSession(tx, session_id, session.session_id);
      if (before?.user_id !== user_id || before.state !== 'active')
        throw notFound('active session of yours', session_id);
      await endSession(tx, session_id, 'Ended by its owner');
      return { before: { state: before.state }, after: { state: 'revoked' }, result: {} };
    },
  );
}

export async function endMyOtherSessions(
  db: Database,
  context: CallContext,
): Promise<{ job_id: string; sessions_ended: number }> {
  const { user_id, label, session } = personOf(context);
  return mutate(
    db,
    context,
    {
      action: 'iam.me.sessions.end_others',
      title: `End the other sessions of ${label}`,
      permission: 'authenticated',
      target: { type: 'user', id: user_id },
    },
    async (tx) => {
      await lockUser(tx, user_id);
      const sessions_ended = await endSessionsOf(tx, user_id, 'Ended by its owner', session.session_id);
      return {
        before: { other_sessions: sessions_ended },
        after: { other_sessions: 0 },
        result: { sessions_ended },
      };
    },
  );
}
