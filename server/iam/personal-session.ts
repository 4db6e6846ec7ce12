import { principalOf, type CallContext, type Principal } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';

export interface Person extends Principal {
  session: NonNullable<Principal['session']>;
}

/** The person behind a session; `permission_denied` for an API token, which has no account of its own. */
export function personOf(context: CallContext): Person {
  const principal = principalOf(context);
  const { session } = principal;
  if (session) return { ...principal, session };
  throw new ControlError(
    'permission_denied',
    'This is for people: an API token cannot do it; sign in with a browser.',
  );
}
