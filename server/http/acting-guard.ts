/** What is asked of somebody who acts as another user, beside everything that is asked of anybody. */
import type { Endpoint } from '#contract/endpoint.ts';
import { neverWhileActing } from '#contract/permission-rules.ts';
import type { DenialRecorder } from '#server/audit/denial-recorder.ts';
import type { AuthenticationResult } from './authenticator.ts';
import type { CallContext, Principal } from './call-context.ts';
import { ControlError } from './control-error.ts';
import { CLEARED_ACTING_COOKIE } from './session-cookie.ts';

/** Who acts, or `impersonation_ended`: the cookie goes, so that the next request is the person's own. */
export function acceptedActing(result: AuthenticationResult): Principal {
  if ('principal' in result) return result.principal;
  throw new ControlError('impersonation_ended', result.detail, {
    headers: { 'set-cookie': CLEARED_ACTING_COOKIE },
  });
}

/** Whether an endpoint is closed to everybody who acts as another user. */
export const closedWhileActing = ({ permission, while_acting }: Endpoint): boolean =>
  permission === 'authenticated' ? while_acting !== true : neverWhileActing(permission);

/** Denies and audits what nobody reaches while acting as another user, whatever that user may do. */
export async function checkActing(
  { denials }: { denials: DenialRecorder },
  endpoint: Endpoint,
  context: CallContext,
): Promise<void> {
  const acting = context.principal?.impersonation;
  if (!acting || !closedWhileActing(endpoint)) return;
  const { id, permission } = endpoint;
  const details = { acting_as: acting.target_label, permission };
  await denials.record(context, { action: id, target: { type: 'endpoint', id }, details });
  throw new ControlError(
    'permission_denied',
    `You act as ${acting.target_label}: nobody reaches accounts, access, approvals, the audit log or secrets that way. Stop acting as ${acting.target_label}, and do it in your own name.`,
    { details },
  );
}
