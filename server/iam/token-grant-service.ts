/** The token endpoint (RFC 6749 3.2): tokens for an approved device code, the next ones for a refresh token; and giving them up. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import {
  DEVICE_CODE_GRANT,
  REFRESH_TOKEN_GRANT,
  type issueTokens,
  type IssuedTokens,
} from '#contract/iam.ts';
import type { BodyOf } from '#contract/endpoint.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { recordDetection } from './detection-store.ts';
import { pollRequest, useRequest, type PolledRequest } from './device-request-store.ts';
import { meaningOf, verdictOn } from './device-sign-in-rules.ts';
import { isAccessToken, isRefreshToken } from './secret-values.ts';
import { principalFor } from './session-opening.ts';
import { SESSION_LIFE, SESSION_LIVE } from './session-rules.ts';
import { endSession } from './session-store.ts';
import {
  lockTokenHolder,
  readRefreshToken,
  rotateTokens,
  startTokens,
  type TokenHolder,
} from './session-token-store.ts';
import { readSignInFacts } from './sign-in-facts.ts';
import { faultOfMethods } from './sign-in-policy-rules.ts';

const STALE =
  'This refresh token is not valid any more: the session was ended, has expired or was confirmed anew. Sign in again.';
const ENDED = 'This session was ended. Sign in again.';
const REUSED =
  'This refresh token was used before, so somebody else may have it: the session was ended. Sign in again.';

/** Tokens for a grant, or one of the errors of RFC 6749 5.2 and RFC 8628 3.5. */
export async function grantTokens(
  db: Database,
  context: CallContext,
  { grant_type, device_code, refresh_token }: BodyOf<typeof issueTokens>,
): Promise<IssuedTokens> {
  if (grant_type === DEVICE_CODE_GRANT) return forDeviceCode(db, context, needed('device_code', device_code));
  if (grant_type === REFRESH_TOKEN_GRANT)
    return forRefreshToken(db, context, needed('refresh_token', refresh_token));
  throw new ControlError(
    'unsupported_grant_type',
    `Tokens are given for ${DEVICE_CODE_GRANT} and ${REFRESH_TOKEN_GRANT} only.`,
  );
}

function needed(name: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new ControlError('validation_failed', `This grant type needs ${name}.`, {
    errors: [{ in: 'body', pointer: `/${name}`, message: 'is required' }],
  });
}

async function forDeviceCode(db: Database, context: CallContext, device_code: string): Promise<IssuedTokens> {
  const request = await pollRequest(db, device_code);
  if (!request)
    throw new ControlError('invalid_grant', 'There is no such device code; begin the sign-in again.');
  const verdict = verdictOn(request);
  if (verdict === 'approved') return redeem(db, context, request);
  throw new ControlError(verdict, WORDS[verdict]);
}

const WORDS = {
  authorization_pending: 'Nobody has decided yet; ask again after the interval.',
  slow_down: 'You ask too often: wait 5 seconds longer between two questions from now on.',
  access_denied: 'The person denied this sign-in.',
  expired_token: 'Nobody approved this sign-in in time; begin again.',
  invalid_grant: 'This device code was used before; begin the sign-in again.',
};

interface Approver {
  user_id: string;
  email: string;
  methods: string[];
  authenticated_at: string;
}

/** Opens the session, or confirms the one that asked, as worth what the approving session is. */
async function redeem(db: Database, context: CallContext, request: PolledRequest): Promise<IssuedTokens> {
  const approver = await findApprover(db, request);
  if (!approver) throw approvalVoid();
  const stepUp = request.session_id !== null;
  const session_id = request.session_id ?? randomUUIDv7();
  const { tokens } = await mutate(
    db,
    { ...context, principal: principalFor(approver) },
    {
      action: stepUp ? 'iam.step_up' : 'iam.login.device',
      title: stepUp ? `Confirm ${approver.email}` : `Sign in ${approver.email}`,
      permission: 'public',
      target: { type: 'session', id: session_id },
      details: { client_name: request.client_name, approved_in_session: request.approved_by },
      job: 'none',
    },
    async (tx) => {
      // Whoever suspends the person or ends all their sessions locks this row: then the approval is void, or the new session ended with them.
      await tx
        .selectFrom('users')
        .select('user_id')
        .where('user_id', '=', approver.user_id)
        .forUpdate()
        .execute();
      const present = await findApprover(tx, request);
      if (!present || !(await useRequest(tx, request.authorization_id))) throw approvalVoid();
      const { policies } = await readSignInFacts(tx, present.user_id);
      const fault = faultOfMethods(present.methods, policies);
      if (fault !== null) throw new ControlError('access_denied', `${fault} Begin the sign-in again.`);
      await (stepUp
        ? confirmSession(tx, session_id, present)
        : openCliSession(tx, context, session_id, present, request));
      const method = present.methods.join('+');
      return {
        after: { method: stepUp ? 'device' : method },
        result: { tokens: await startTokens(tx, session_id) },
      };
    },
  );
  return tokens;
}

const approvalVoid = () =>
  new ControlError(
    'invalid_grant',
    'The approval does not count any more: who gave it was signed out. Begin again.',
  );

/** Who approved, while their session goes on and they may sign in. */
async function findApprover(db: Database, { approved_by }: PolledRequest): Promise<Approver | undefined> {
  const { rows } = await sql<Approver>`select u.user_id, u.email, s.methods, s.authenticated_at
    from sessions s join users u using (user_id)
    where s.session_id = ${approved_by}::uuid and u.status = 'active' and s.pending is null and ${SESSION_LIVE}`.execute(
    db,
  );
  return rows[0];
}

async function openCliSession(
  tx: Tx,
  { ip, user_agent }: CallContext,
  session_id: string,
  { user_id, methods, authenticated_at }: Approver,
  { client_name }: PolledRequest,
): Promise<void> {
  await sql`insert into sessions (session_id, token_hash, user_id, client, methods, ip, user_agent, authenticated_at, expires_at)
    values (${session_id}::uuid, sha256(gen_random_uuid()::text::bytea), ${user_id}::uuid, 'cli', ${methods}, ${ip ?? 'unknown'},
      ${`${client_name} (${user_agent ?? 'unknown client'})`.slice(0, 512)}, ${authenticated_at}::timestamptz, now() + ${SESSION_LIFE})`.execute(
    tx,
  );
  await sql`update users set last_sign_in_at = now() where user_id = ${user_id}::uuid`.execute(tx);
}

async function confirmSession(
  tx: Tx,
  session_id: string,
  { user_id, authenticated_at }: Approver,
): Promise<void> {
  const { numAffectedRows } = await sql`update sessions s
    set authenticated_at = greatest(authenticated_at, ${authenticated_at}::timestamptz), last_seen_at = now()
    where session_id = ${session_id}::uuid and user_id = ${user_id}::uuid and ${SESSION_LIVE}`.execute(tx);
  if (numAffectedRows !== 1n)
    throw new ControlError(
      'invalid_grant',
      'The session that asked to be confirmed has ended; sign in again.',
    );
}

async function forRefreshToken(db: Database, context: CallContext, value: string): Promise<IssuedTokens> {
  const answer = await db.transaction().execute(async (tx): Promise<IssuedTokens | TokenHolder> => {
    const holder = isRefreshToken(value) ? await lockTokenHolder(tx, value) : undefined;
    const token = holder && (await readRefreshToken(tx, value));
    if (!holder?.live || !token) throw new ControlError('invalid_grant', holder?.ended ? ENDED : STALE);
    const meaning = meaningOf(token);
    return meaning === 'reuse' ? holder : rotateTokens(tx, holder, value, token.successor_salt ?? undefined);
  });
  if ('access_token' in answer) return answer;
  await endReused(db, context, answer);
  throw new ControlError('invalid_grant', REUSED);
}

/** Nobody knows which of the two is the thief, so the session ends for both (RFC 9700 4.14.2). */
async function endReused(db: Database, context: CallContext, holder: TokenHolder): Promise<void> {
  const { session_id, user_id, email, ip } = holder;
  await mutate(
    db,
    { ...context, principal: principalFor(holder) },
    {
      action: 'iam.sessions.end_reused',
      title: `End a session of ${email}`,
      permission: 'public',
      target: { type: 'session', id: session_id },
      details: { cause: 'refresh_token_reuse', session_ip: ip },
      job: 'none',
    },
    async (tx) => {
      const ended = await endSession(
        tx,
        session_id,
        'A refresh token was used again: it may have been stolen',
      );
      return { before: { state: ended ? 'active' : 'revoked' }, after: { state: 'revoked' }, result: {} };
    },
  );
  await recordDetection(db, {
    kind: 'token_reuse',
    subject: { type: 'session', id: session_id, label: email },
    user_id,
    ip: context.ip,
    measured: 2,
    threshold: 1,
    details: { session_ip: ip },
  });
}

/** Ends the session of a token. What is no token, or of no session, is given up already (RFC 7009 2.2). */
export async function giveUpTokens(db: Database, context: CallContext, value: string): Promise<object> {
  if (!isAccessToken(value) && !isRefreshToken(value)) return {};
  const holder = await db.transaction().execute((tx) => lockTokenHolder(tx, value));
  if (!holder?.live) return {};
  const { session_id, email } = holder;
  await mutate(
    db,
    { ...context, principal: principalFor(holder) },
    {
      action: 'iam.logout',
      title: `Sign out ${email}`,
      permission: 'public',
      target: { type: 'session', id: session_id },
      job: 'none',
    },
    async (tx) => {
      await endSession(tx, session_id, 'Signed out');
      return { before: { state: 'active' }, after: { state: 'revoked' }, result: {} };
    },
  );
  return {};
}
