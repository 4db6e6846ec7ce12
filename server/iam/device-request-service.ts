/** A device asks to be signed in (RFC 8628), and a signed-in person decides about it in a browser. */
import { sql } from 'kysely';
import { DEVICE_PAGE, type DeviceAuthorization, type DeviceRequest } from '#contract/iam.ts';
import type { Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import {
  decideRequest,
  findOpenRequest,
  insertDeviceRequest,
  type OpenDeviceRequest,
} from './device-request-store.ts';
import { readUserCode } from './device-sign-in-rules.ts';
import { personOf, type Person } from './personal-session.ts';
import { readSignInFacts } from './sign-in-facts.ts';
import { faultOfMethods } from './sign-in-policy-rules.ts';
import { addressKey } from './sign-in-throttle.ts';

/** Requests that one address may begin in a while: each is one more code that a guess could hit. */
const BEGINNINGS = 30;
const BEGINNINGS_WINDOW_S = 300;

/** Begins a sign-in at a device. */
export const authorizeDevice = (
  deps: AccountDeps,
  context: CallContext,
  { client_name }: { client_name?: string | undefined },
): Promise<DeviceAuthorization> => begin(deps, context, client_name, null);

/** Begins the confirmation of a command line session. */
export async function authorizeStepUp(
  deps: AccountDeps,
  context: CallContext,
  { client_name }: { client_name?: string | undefined },
): Promise<DeviceAuthorization> {
  const { session } = personOf(context);
  if (session.client !== 'cli')
    throw new ControlError(
      'action_not_allowed',
      'A browser confirms where it is: POST /admin/v1/iam/step-up.',
    );
  return begin(deps, context, client_name, session.session_id);
}

async function begin(
  { db, throttle, publicUrl }: AccountDeps,
  context: CallContext,
  client_name: string | undefined,
  session_id: string | null,
): Promise<DeviceAuthorization> {
  const from = `device_authorization:${addressKey(context.ip)}`;
  if (!(await throttle.allows(from, BEGINNINGS, BEGINNINGS_WINDOW_S)))
    throw new ControlError(
      'rate_limited',
      'Too many sign-ins were begun from this address; try again in a few minutes.',
      {
        headers: { 'retry-after': String(BEGINNINGS_WINDOW_S) },
      },
    );
  const named = client_name?.trim() ?? '';
  const asked = { client_name: named === '' ? 'A device without a name' : named, session_id };
  const codes = await insertDeviceRequest(db, context, asked);
  const verification_uri = `${publicUrl}${DEVICE_PAGE}`;
  const query = new URLSearchParams({ user_code: codes.user_code });
  return { ...codes, verification_uri, verification_uri_complete: `${verification_uri}?${query}` };
}

/** What asks with this code. */
export async function inspectRequest(
  deps: AccountDeps,
  context: CallContext,
  user_code: string,
): Promise<DeviceRequest> {
  return guarded(deps, context, user_code, (person, code) => findFor(deps.db as Tx, person, code, false));
}

/** Lets the device in as the person who asks; what their session is worth, the device's will be. */
export async function approveRequest(
  deps: AccountDeps,
  context: CallContext,
  user_code: string,
): Promise<{ approved: boolean }> {
  await decide(deps, context, user_code, 'approved');
  return { approved: true };
}

export async function denyRequest(
  deps: AccountDeps,
  context: CallContext,
  user_code: string,
): Promise<{ denied: boolean }> {
  await decide(deps, context, user_code, 'denied');
  return { denied: true };
}

async function decide(
  deps: AccountDeps,
  context: CallContext,
  user_code: string,
  state: 'approved' | 'denied',
): Promise<void> {
  const found = await inspectRequest(deps, context, user_code);
  const { authorization_id, client_name, purpose, ip } = found;
  const verb = state === 'approved' ? 'Approve' : 'Deny';
  await guarded(deps, context, user_code, (person, code) =>
    mutate(
      deps.db,
      context,
      {
        action: `iam.device_requests.${verb.toLowerCase()}`,
        title: `${verb} ${client_name}`,
        permission: 'authenticated',
        target: { type: 'device_request', id: authorization_id },
        details: { client_name, purpose, device_ip: ip },
        job: 'none',
      },
      async (tx) => {
        await findFor(tx, person, code, true);
        if (state === 'approved') await assertWorthIt(tx, person);
        await decideRequest(tx, authorization_id, state, person.session.session_id);
        return { before: { state: 'pending' }, after: { state }, result: {} };
      },
    ),
  );
}

const NOT_FOUND = 'No device waits with this code. It may have expired: begin again at the terminal.';

/** The request of a code, unless somebody else's session asks by it. */
async function findFor(tx: Tx, person: Person, code: string, lock: boolean): Promise<OpenDeviceRequest> {
  const found = await findOpenRequest(tx, code, lock);
  if (!found) throw new ControlError('not_found', NOT_FOUND);
  if (found.asking_user_id !== null && found.asking_user_id !== person.user_id)
    throw new ControlError(
      'action_not_allowed',
      'This asks to confirm a session of somebody else; only they can.',
    );
  return found;
}

/** Runs what takes a user code: by people at a browser only, and guessing codes is slowed down like guessing passwords. */
async function guarded<T>(
  { throttle }: AccountDeps,
  context: CallContext,
  typed: string,
  work: (person: Person, code: string) => Promise<T>,
): Promise<T> {
  const person = personOf(context);
  if (person.session.client !== 'browser' || person.impersonation !== null)
    throw new ControlError(
      'action_not_allowed',
      person.impersonation === null
        ? 'A command line session lets no device in; open the page in a browser.'
        : 'Who acts for somebody else lets no device in as them.',
    );
  return throttle.attempt(`user_code:${person.user_id}`, context.ip, async (attempt) => {
    const code = readUserCode(typed);
    try {
      if (code === null) throw new ControlError('not_found', NOT_FOUND);
      const done = await work(person, code);
      await attempt.succeeded();
      return done;
    } catch (error) {
      if (error instanceof ControlError && error.code === 'not_found') await attempt.failed();
      else await attempt.succeeded();
      throw error;
    }
  });
}

/** The session's methods must fit what the person's roles demand now: it may be older than the demand. */
async function assertWorthIt(tx: Tx, { user_id, session }: Person): Promise<void> {
  const { rows } = await sql<{ methods: string[] }>`select methods from sessions s
    where session_id = ${session.session_id}::uuid`.execute(tx);
  const { policies } = await readSignInFacts(tx, user_id);
  const fault = faultOfMethods(rows[0]?.methods ?? [], policies);
  if (fault !== null)
    throw new ControlError('action_not_allowed', `${fault} Sign out and in again, then approve.`);
}
