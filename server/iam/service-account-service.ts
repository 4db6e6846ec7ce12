/** Service accounts: made, named, switched off and on, deleted. Roles are given to them as to people. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import {
  SERVICE_ACCOUNT_ACTIONS,
  SERVICE_ACCOUNT_DOMAIN,
  type ServiceAccount,
  type ServiceAccountAction,
} from '#contract/iam.ts';
import type { Permission } from '#contract/permissions.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { insteadOf } from './constraint-problems.ts';
import { removeAccess } from './removed-access.ts';
import { assertRevision } from './revision-rules.ts';
import { assertServiceAccount, lockServiceAccount, readServiceAccount } from './service-account-store.ts';

type Answer = { job_id: string; service_account: ServiceAccount };

const targetOf = (user_id: string) => ({ type: 'service_account', id: user_id });
/** What the audit log keeps. */
const shown = ({ email, display_name, status, revision }: ServiceAccount) => ({
  email,
  display_name,
  status,
  revision,
});

/** Creates an active service account without roles and tokens. */
export async function createServiceAccount(
  db: Database,
  context: CallContext,
  { name, display_name, reason }: { name: string; display_name: string; reason?: string | undefined },
): Promise<Answer> {
  const user_id = randomUUIDv7();
  const email = `${name}@${SERVICE_ACCOUNT_DOMAIN}`;
  return mutate(
    db,
    context,
    {
      action: 'iam.service_accounts.create',
      title: `Create service account ${name}`,
      permission: 'iam.service_accounts.create',
      target: targetOf(user_id),
      reason,
    },
    async (tx) => {
      await tx
        .insertInto('users')
        .values({
          user_id,
          kind: 'service_account',
          email,
          display_name: display_name.trim(),
          status: 'active',
        })
        .execute();
      const service_account = await readServiceAccount(tx, user_id);
      return { after: shown(service_account), result: { service_account } };
    },
  ).catch(
    insteadOf(
      'users_email',
      () => new ControlError('already_exists', `There is a service account ${name} already.`),
    ),
  );
}

/** Changes what it is called, of the revision that was read. Its label stays: scripts and the audit log know it by that. */
export async function updateServiceAccount(
  db: Database,
  context: CallContext,
  userId: string,
  if_match: number,
  { display_name, reason }: { display_name: string; reason?: string | undefined },
): Promise<Answer> {
  const { email } = await readServiceAccount(db, userId);
  return mutate(
    db,
    context,
    {
      action: 'iam.service_accounts.update',
      title: `Change service account ${email}`,
      permission: 'iam.service_accounts.update',
      target: targetOf(userId),
      reason,
    },
    async (tx) => {
      const before = await lockServiceAccount(tx, userId);
      assertServiceAccount('edit', before);
      assertRevision('service account', before.revision, if_match);
      await tx
        .updateTable('users')
        .set({ display_name: display_name.trim(), revision: before.revision + 1, updated_at: sql`now()` })
        .where('user_id', '=', userId)
        .execute();
      const service_account = await readServiceAccount(tx, userId);
      return { before: shown(before), after: shown(service_account), result: { service_account } };
    },
  );
}

const CHANGES = {
  disable: { verb: 'Disable', permission: 'iam.service_accounts.update' },
  enable: { verb: 'Enable', permission: 'iam.service_accounts.update' },
  delete: { verb: 'Delete', permission: 'iam.service_accounts.delete' },
} as const satisfies Record<ServiceAccountAction, { verb: string; permission: Permission }>;

/** Disables, enables or deletes a service account. Its tokens are refused from the next request on while it is not active. */
export async function changeServiceAccountStatus(
  db: Database,
  context: CallContext,
  action: ServiceAccountAction,
  userId: string,
  reason: string,
): Promise<Answer> {
  const { email } = await readServiceAccount(db, userId);
  const { verb, permission } = CHANGES[action];
  const { to } = SERVICE_ACCOUNT_ACTIONS[action];
  return mutate(
    db,
    context,
    {
      action: `iam.service_accounts.${action}`,
      title: `${verb} service account ${email}`,
      permission,
      target: targetOf(userId),
      reason,
    },
    async (tx) => {
      const before = await lockServiceAccount(tx, userId);
      assertAllowed(action, before);
      const removed = to === 'deleted' ? await removeAccess(tx, userId) : {};
      await tx
        .updateTable('users')
        .set({ status: to, revision: before.revision + 1, updated_at: sql`now()` })
        .where('user_id', '=', userId)
        .execute();
      const service_account = await readServiceAccount(tx, userId);
      return {
        before: { ...shown(before), ...removed },
        after: shown(service_account),
        result: { service_account },
      };
    },
  );
}

function assertAllowed(action: ServiceAccountAction, { email, status }: ServiceAccount): void {
  const from: readonly string[] = SERVICE_ACCOUNT_ACTIONS[action].from;
  if (from.includes(status)) return;
  throw new ControlError(
    'action_not_allowed',
    `${email} is ${status}; to ${action} a service account, it must be ${from.join(' or ')}.`,
  );
}
